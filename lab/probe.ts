/** Sends many requests at once from a namespace, over TCP, UDP or ICMP echo, to find who answers. */
import { runIn } from './process.js';

export interface Probe {
  address: string;
  protocol: 'tcp' | 'udp' | 'icmp';
  /** of TCP and UDP */
  port?: number;
}

/** Result of an answered echo request, which contains no name. */
export const ECHO = 'echo';
/** Additional time-out in milliseconds: a busy emulated machine takes long to start programs. */
const GRACE_MS = 60_000;

/**
 * bash functions; each request is a process that prints its number and the answer. UDP sends three times, since lost datagrams are not repeated as
 * in TCP.
 */
const FUNCTIONS = `
tcp() { exec 3<>"/dev/tcp/$2/$3" && read -r name <&3 && echo "$1 $name"; }
udp() {
  exec 3<>"/dev/udp/$2/$3" || return
  # read would take one byte of a datagram, and lose the rest
  for try in 1 2 3; do
    echo >&3
    name=$(timeout "$4" dd bs=64 count=1 status=none <&3) && [ -n "$name" ] && echo "$1 $name" && return
  done
}
icmp() { ping -n -q -c 1 -W "$3" "$2" && echo "$1 ${ECHO}" >&4; }
exec 2>/dev/null 4>&1
`;

/**
 * Sends all requests at once, and waits for answers for some seconds.
 *
 * @returns the name that answered each; undefined without an answer
 */
export async function probeAll(
  netns: string,
  probes: readonly Probe[],
  seconds: number,
): Promise<(string | undefined)[]> {
  const questions = probes.map(({ address, protocol, port }, index) => {
    if (protocol === 'icmp') return `icmp ${index} ${address} ${seconds} >/dev/null &`;
    return `${protocol} ${index} ${address} ${port ?? 0} ${seconds / 3} &`;
  });
  const script = `${FUNCTIONS}\n${questions.join('\n')}\nsleep ${seconds}\nkill $(jobs -p)\nwait`;
  const { stdout } = await runIn(netns, ['bash', '-s'], { input: script, timeoutMs: seconds * 1000 + GRACE_MS });
  const answers = new Map(stdout.split('\n').map((line) => line.split(' ') as [string, string]));
  return probes.map((_, index) => answers.get(String(index)));
}
