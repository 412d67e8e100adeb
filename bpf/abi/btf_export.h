/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * clang writes BTF for the types of globals, maps and functions, not for what programs merely use. Naming a type here keeps
 * it in the object for `make gen`, at the cost of a null pointer in .rodata.
 */
#pragma once

#define KEEP_STRUCT(name) const struct name *const keep_struct_##name = 0
#define KEEP_ENUM(name) const enum name *const keep_enum_##name = 0
