/** A bpf_link: an attachment that holds its program, can be pinned, and swaps its program without a packet lost. */
import { ATTACH_FLAGS } from './constants.js';
import { check, u32 } from './errors.js';
import { libbpf, libc } from './ffi.js';
import { adopt, duplicate, Handle } from './handle.js';
import { linkInfo, type LinkInfo, type ProgramInfo } from './info.js';
import { openPin, pinFd } from './pin.js';
import { LINK_UPDATE_OPTS, Options } from './structs.js';

/** The part of a `BpfProgram` that a link needs. */
interface LinkedProgram {
  readonly fd: number;
  readonly label: string;
  info(): ProgramInfo;
}

export class BpfLink extends Handle {
  #libbpfLink: bigint | undefined;
  #pinned = false;

  /**
   * Takes the descriptor over, unless it throws.
   * @param name what messages call it
   * @throws LibbpfError LIBBPF_EINVAL when the descriptor is no link, LIBBPF_EBADF
   */
  constructor(fd: number, name = `descriptor ${fd}`) {
    super(fd, 'link', `link ${name}`);
  }

  /** Adopts a link from its pin. @throws LibbpfError LIBBPF_ENOENT, LIBBPF_EINVAL when it is no link */
  static openPinned(path: string): BpfLink {
    return adopt(openPin(path, 'link'), (fd) => new BpfLink(fd, path));
  }

  /** @throws LibbpfError LIBBPF_ENOENT */
  static openById(id: number): BpfLink {
    const operation = `link id ${id}: open`;
    const fd = check(libbpf().bpf_link_get_fd_by_id(u32(id, operation, 'id')), operation);
    return adopt(fd, () => new BpfLink(fd, `id ${id}`));
  }

  /** Takes over a link that libbpf made: it holds descriptors of its own (perf events), which go with the handle. */
  static adoptLibbpfLink(pointer: bigint, name: string): BpfLink {
    try {
      const fd = duplicate(check(libbpf().bpf_link__fd(pointer), `link ${name}`), `link ${name}`);
      const link = adopt(fd, () => new BpfLink(fd, name));
      link.#libbpfLink = pointer;
      return link;
    } catch (error) {
      libbpf().bpf_link__destroy(pointer);
      throw error;
    }
  }

  info(): LinkInfo {
    return linkInfo(this.fd, this.label);
  }

  /** Keeps the attachment after its handles are closed. @throws LibbpfError LIBBPF_PIN, LIBBPF_EEXIST */
  pin(path: string): void {
    pinFd(this.fd, path, this.label);
    this.#pinned = true;
  }

  /**
   * Swaps the program at once: each packet meets one of the two.
   * @param expected fails with EPERM when another program is there now
   */
  update(program: LinkedProgram, expected?: LinkedProgram): void {
    const opts = new Options(LINK_UPDATE_OPTS.size);
    if (expected) opts.u32(LINK_UPDATE_OPTS.flags, ATTACH_FLAGS.REPLACE).u32(LINK_UPDATE_OPTS.old_prog_fd, expected.fd);
    const operation = `${this.label}: update to ${program.label}`;
    check(
      libbpf().bpf_link_update(this.fd, program.fd, opts.bytes),
      operation,
      expected ? `expected ${expected.label} to be attached` : undefined,
    );
  }

  override close(): void {
    const pointer = this.#libbpfLink;
    this.#libbpfLink = undefined;
    super.close();
    if (pointer === undefined) return;
    const lib = libbpf();
    if (!this.#pinned) {
      lib.bpf_link__destroy(pointer);
      return;
    }
    // Destroying would end the attachment that the pin is to keep.
    const fd = lib.bpf_link__fd(pointer);
    lib.bpf_link__disconnect(pointer);
    lib.bpf_link__destroy(pointer);
    libc().close(fd);
  }

  /** Ends the attachment although handles or pins hold the link; the link stays, of no interface. */
  detach(): void {
    check(libbpf().bpf_link_detach(this.fd), `${this.label}: detach`);
  }
}
