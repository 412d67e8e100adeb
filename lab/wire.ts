/** Compares underlay packets with RFC 8986 and design.md. */
import { flowLabelText, protocolText } from '../src/packet/describe.js';
import { PROTOCOL } from '../src/packet/decode.js';
import { findHeader } from '../src/packet/headers.js';
import { find, sidOf, sourceOf } from './topology.js';
import type { CapturedPacket } from './capture.js';
import type { Demo } from './demo.js';
import type { Header, Ipv6Header } from '../src/packet/headers.js';
import type { Check, WirePacket } from './report.js';

export interface WireFindings {
  checks: Check[];
  packets: WirePacket[];
}

/** Checks the headers of an echo request from hv1 to hv2 for each tenant and family. */
export function checkWire(demo: Demo, captured: readonly CapturedPacket[]): WireFindings {
  const checks: Check[] = [];
  const packets: WirePacket[] = [];
  for (const { name: tenant } of demo.tenants) {
    for (const family of ['v4', 'v6'] as const) {
      const sid = sidOf(demo, 'hv2', tenant);
      const title = `${tenant}-a to ${tenant}-b, ${family === 'v4' ? 'IPv4' : 'IPv6'}`;
      const found = captured.find(({ headers }) => isEchoRequest(headers, family, sid));
      if (found === undefined) {
        checks.push(field(title, 'echo request', `one to ${sid}`, 'none captured'));
        continue;
      }
      packets.push({ title, headers: found.headers });
      const outer = findHeader(found.headers, 'ipv6');
      if (outer !== undefined) checks.push(...outerChecks(demo, title, family, found.headers, outer, sid));
    }
  }
  return { checks, packets };
}

function outerChecks(
  demo: Demo,
  title: string,
  family: 'v4' | 'v6',
  headers: readonly Header[],
  outer: Ipv6Header,
  sid: string,
): Check[] {
  const next = family === 'v4' ? PROTOCOL.ipip : PROTOCOL.ipv6;
  const label = flowLabelText(outer.flowLabel);
  return [
    field(title, 'source', sourceOf(find(demo.nodes, 'hv1')), outer.source),
    field(title, 'destination, the SID on hv2', sid, outer.destination),
    field(title, 'next header', protocolText(next), protocolText(outer.nextHeader)),
    field(title, 'routing header', 'none', findHeader(headers, 'srh') === undefined ? 'none' : 'SRH'),
    { ...field(title, 'flow label', 'not 0', label), ok: outer.flowLabel !== 0 },
  ];
}

function isEchoRequest(headers: readonly Header[], family: 'v4' | 'v6', sid: string): boolean {
  const outer = findHeader(headers, 'ipv6');
  const icmp = findHeader(headers, family === 'v4' ? 'icmp' : 'icmpv6');
  return outer?.destination === sid && icmp?.type === (family === 'v4' ? 8 : 128);
}

function field(title: string, name: string, expected: string, seen: string): Check {
  return { group: 'wire', from: 'hv1', to: 'hv2', what: `${title}: ${name}`, expected, seen, ok: expected === seen };
}
