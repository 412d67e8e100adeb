/** TypeScript codecs out of BTF: text, no I/O. `make gen` writes what this returns. */
import type { Btf, BtfType } from './btf.js';
import { LibbpfError } from './errors.js';
import { MAP_TYPE_NAMES } from './constants.js';
import { type EnumLayout, type Field, type Layout, layoutOf, mapTypes, type StructLayout } from './layout.js';

export interface GenerateOptions {
  /** what the file is generated from, for its first line */
  source: string;
  /** import path of src/libbpf/codec.js as the generated file sees it */
  codec: string;
  /** structs besides the keys and values of maps: records of ring buffers, for one */
  structs?: readonly string[];
  /** enums besides those in fields */
  enums?: readonly string[];
  /** false: keys and values of maps are left out unless listed */
  maps?: boolean;
  /** of an object whose programs these are: its maps, programs and variables by name, and load(), as TypedObject has them */
  skeleton?: { programs: readonly string[]; variables: readonly { name: string; type: number }[] };
}

/** struct next_hop → NextHop */
export function typeName(c: string): string {
  return c.replace(/(?:^|_+)([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** dest_mac → destMac */
export function fieldName(c: string): string {
  return c.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The codecs of an object's structs, those inside others first. @throws LibbpfError LIBBPF_BTF */
export function generate(btf: Btf, options: GenerateOptions): string {
  const emitter = new Emitter();
  if (options.maps !== false) {
    for (const { key, value } of mapTypes(btf)) {
      for (const id of [key, value])
        if (id !== undefined && btf.resolve(id).type.kind === 'struct') emitter.add(layoutOf(btf, id));
    }
  }
  for (const name of options.structs ?? []) emitter.add(layoutOf(btf, find(btf, 'struct', name)));
  for (const name of options.enums ?? []) emitter.add(layoutOf(btf, find(btf, 'enum', name)));
  if (options.skeleton !== undefined) emitter.addSkeleton(btf, options.skeleton);
  return emitter.text(options);
}

/** Codecs of codec.ts for integers, by size and signedness. */
function integerCodec(layout: Extract<Layout, { kind: 'int' | 'enum' }>): string {
  if (layout.kind === 'int' && layout.bool) return 'BOOL';
  const bits = 8 * layout.size;
  if (layout.kind === 'int' && layout.networkOrder) return `BE${bits}`;
  return `${layout.signed ? 'S' : 'U'}${bits}`;
}

function find(btf: Btf, kind: BtfType['kind'], name: string): number {
  const id = btf.find(kind, name) ?? btf.find('typedef', name);
  if (id !== undefined) return id;
  throw new LibbpfError({
    code: 'LIBBPF_BTF',
    operation: `generate ${kind} ${name}`,
    reason: 'not in the object: is it used by a program or a map?',
  });
}

class Emitter {
  readonly #parts = new Map<string, { layout: string; text: string }>();
  readonly #imports = new Set<string>(['type Codec']);
  #skeleton = '';

  /** Adds a struct or an enum and what it is made of. */
  add(layout: Layout): void {
    if (layout.kind === 'array') this.add(layout.element);
    else if (layout.kind === 'struct') {
      for (const field of layout.fields) this.add(field.layout);
      this.#part(layout, () => this.#struct(layout));
    } else if (layout.kind === 'enum') this.#part(layout, () => enumText(layout));
  }

  addSkeleton(btf: Btf, { programs, variables }: NonNullable<GenerateOptions['skeleton']>): void {
    const maps = mapTypes(btf).map(({ name, key, value, type }) => {
      if (key === undefined || value === undefined) return `${name}: {},`;
      const types = [layoutOf(btf, key, name), layoutOf(btf, value, name)] as const;
      for (const layout of types) this.add(layout);
      const perCpu = MAP_TYPE_NAMES.get(type ?? 0)?.includes('percpu') === true ? ', perCpu: true' : '';
      return `${name}: { key: ${this.#expression(types[0])}, value: ${this.#expression(types[1])}${perCpu} },`;
    });
    const globals = variables.map(({ name, type }) => {
      const layout = layoutOf(btf, type, name);
      this.add(layout);
      return `${/^\w+$/.test(name) ? name : JSON.stringify(name)}: ${this.#expression(layout)},`;
    });
    for (const name of ['type Skeleton', 'type SkeletonOptions', 'TypedObject']) this.#use(name);
    this.#skeleton = [
      '/** What the object has, by name: the compiler checks names and types. */',
      'export const skeleton = {',
      'maps: {',
      ...maps,
      '},',
      `programs: [${programs.map((name) => `'${name}'`).join(', ')}],`,
      'variables: {',
      ...globals,
      '},',
      '} as const satisfies Skeleton;\n',
      '/** Opens, configures and loads the object. @throws LibbpfError */',
      'export function load(',
      'source: string | Uint8Array,',
      'options: SkeletonOptions<typeof skeleton> = {},',
      '): TypedObject<typeof skeleton> {',
      'return TypedObject.load(skeleton, source, options);',
      '}',
    ].join('\n');
  }

  /** A codec as an expression. */
  #expression(layout: Layout): string {
    switch (layout.kind) {
      case 'int':
      case 'enum':
        return this.#use(integerCodec(layout));
      case 'bytes':
        return `${this.#use('bytesCodec')}(${layout.size})`;
      case 'array':
        return `${this.#use('arrayCodec')}(${this.#expression(layout.element)}, ${layout.length})`;
      case 'struct':
        return typeName(layout.name);
    }
  }

  text({ source, codec, skeleton }: GenerateOptions): string {
    const parts = [
      ...[...this.#parts.values()].map(({ text }) => text),
      ...(this.#skeleton === '' ? [] : [this.#skeleton]),
    ];
    // Without a struct nothing refers to it.
    if (this.#parts.size === 0) this.#imports.delete('type Codec');
    return [
      `// Generated from the BTF of ${source} by ${skeleton === undefined ? '`make gen`' : '`libbpf-ts gen`'}: do not edit, change the C.`,
      `import { ${[...this.#imports].sort((a, b) => a.replace('type ', '').localeCompare(b.replace('type ', ''))).join(', ')} } from '${codec}';`,
      ...parts,
    ].join('\n\n');
  }

  #part(layout: StructLayout | EnumLayout, text: () => string): void {
    const name = typeName(layout.name);
    if (name === '')
      throw new LibbpfError({ code: 'LIBBPF_BTF', operation: 'generate', reason: `a ${layout.kind} without name` });
    const shape = JSON.stringify(layout, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
    const known = this.#parts.get(name);
    if (known === undefined) this.#parts.set(name, { layout: shape, text: text() });
    else if (known.layout !== shape) {
      throw new LibbpfError({
        code: 'LIBBPF_BTF',
        operation: `generate ${name}`,
        reason: `two different types of that name, one of them ${layout.kind} ${layout.name}`,
      });
    }
  }

  #use(name: string): string {
    this.#imports.add(name);
    return name;
  }

  #struct(layout: StructLayout): string {
    const name = typeName(layout.name);
    const { fields } = layout;
    const offsets = fields.map((field) => `${fieldName(field.name)}: ${field.offset}`).join(', ');
    const encoders = fields.map((field) => this.#encode(layout, field));
    const padding = layout.padding.map(({ offset, size }) => `into.fill(0, ${at(offset)}, ${at(offset + size)});`);
    const decoders = fields.map(
      (field) => `${fieldName(field.name)}: ${this.#decode(field.layout, at(field.offset))},`,
    );
    return [
      `/** struct ${layout.name}, ${layout.size} bytes */`,
      `export interface ${name} {`,
      ...fields.map((field) => `${comment(field)}${fieldName(field.name)}: ${typeText(field.layout)};`),
      '}\n',
      `export const ${name} = {`,
      `NAME: 'struct ${layout.name}',`,
      `SIZE: ${layout.size},`,
      `OFFSETS: { ${offsets} },`,
      `encode(into: Buffer, offset: number, value: ${name}): void {`,
      ...encoders,
      ...padding,
      '},',
      `decode(from: Buffer, offset: number): ${name} {`,
      'return {',
      ...decoders,
      '};',
      '},',
      `} as const satisfies Codec<${name}> & { OFFSETS: Record<keyof ${name}, number> };`,
    ].join('\n');
  }

  #encode(struct: StructLayout, field: Field): string {
    const label = `'${struct.name}.${field.name}'`;
    return this.#put(field.layout, at(field.offset), `value.${fieldName(field.name)}`, label);
  }

  #put(layout: Layout, where: string, value: string, label: string, depth = 0): string {
    switch (layout.kind) {
      case 'int':
      case 'enum':
        return `into.write${accessor(layout)}(${isBool(layout) ? `${value} ? 1 : 0` : value}, ${where});`;
      case 'bytes':
        return `${this.#use('putBytes')}(into, ${where}, ${value}, ${layout.size}, ${label});`;
      case 'struct':
        return `${typeName(layout.name)}.encode(into, ${where}, ${value});`;
      case 'array': {
        const [index, element] = loopNames(depth);
        const step = `${where} + ${index} * ${layout.element.size}`;
        return [
          `${this.#use('checkLength')}(${value}, ${layout.length}, ${label});`,
          `for (const [${index}, ${element}] of ${value}.entries()) {`,
          this.#put(layout.element, step, element, label, depth + 1),
          '}',
        ].join('\n');
      }
    }
  }

  #decode(layout: Layout, where: string, depth = 0): string {
    switch (layout.kind) {
      case 'int':
      case 'enum':
        return `from.read${accessor(layout)}(${where})${isBool(layout) ? ' !== 0' : ''}`;
      case 'bytes':
        return `${this.#use('getBytes')}(from, ${where}, ${layout.size})`;
      case 'struct':
        return `${typeName(layout.name)}.decode(from, ${where})`;
      case 'array': {
        const [index] = loopNames(depth);
        const element = this.#decode(layout.element, `${where} + ${index} * ${layout.element.size}`, depth + 1);
        return `Array.from({ length: ${layout.length} }, (_, ${index}) => ${element})`;
      }
    }
  }
}

/** Names of the loop variables for an array, and for the arrays in it. */
function loopNames(depth: number): [index: string, element: string] {
  return depth === 0 ? ['index', 'element'] : [`index${depth}`, `element${depth}`];
}

function at(offset: number): string {
  return offset === 0 ? 'offset' : `offset + ${offset}`;
}

function isBool(layout: Layout): boolean {
  return layout.kind === 'int' && layout.bool;
}

/** 'UInt16BE', the rest of Buffer's read… and write… */
function accessor(layout: Extract<Layout, { kind: 'int' | 'enum' }>): string {
  const sign = layout.signed ? '' : 'U';
  const order = layout.kind === 'int' && layout.networkOrder ? 'BE' : 'LE';
  if (layout.size === 1) return `${sign}Int8`;
  return layout.size === 8 ? `Big${sign}Int64${order}` : `${sign}Int${8 * layout.size}${order}`;
}

function typeText(layout: Layout): string {
  switch (layout.kind) {
    case 'int':
      return layout.bool ? 'boolean' : layout.size === 8 ? 'bigint' : 'number';
    case 'enum':
      return layout.size === 8 ? 'bigint' : 'number';
    case 'bytes':
      return 'Uint8Array';
    case 'struct':
      return typeName(layout.name);
    case 'array':
      return `${typeText(layout.element)}[]`;
  }
}

function comment({ layout }: Field): string {
  if (layout.kind === 'bytes') return `/** ${layout.size} bytes */\n`;
  if (layout.kind === 'array') return `/** ${layout.length} */\n`;
  if (layout.kind === 'enum') return `/** ${typeName(layout.name)} */\n`;
  return '';
}

function enumText(layout: EnumLayout): string {
  const suffix = layout.size === 8 ? 'n' : '';
  return [
    `/** enum ${layout.name} */`,
    `export const ${typeName(layout.name)} = {`,
    ...layout.values.map(({ name, value }) => `${name}: ${value}${suffix},`),
    '} as const;',
  ].join('\n');
}
