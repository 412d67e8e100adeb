/** Queueing disciplines (net/sched/sch_api.c). */
import { AF_UNSPEC, DUMP, RTM_GETQDISC, RTM_NEWQDISC } from './constants.js';
import { makeRequest } from './request.js';
import type { MessageView } from './reader.js';
import type { NetlinkRequest } from './request.js';

/** struct tcmsg: family, device, handle, parent, info. */
const TCMSG_BYTES = 20;
const TCA_KIND = 1;

export interface Qdisc {
  ifindex: number;
  /** 'noqueue', 'fq_codel', 'clsact'… */
  kind: string;
}

/** All of the namespace: a device's at its root, those below it, and `ingress` or `clsact`. */
export function dumpQdiscsRequest(): NetlinkRequest {
  return makeRequest(
    () => 'list qdiscs',
    (writer) => {
      writer.begin(RTM_GETQDISC, DUMP);
      writer.bytes4(AF_UNSPEC, 0, 0, 0);
      for (let at = 4; at < TCMSG_BYTES; at += 4) writer.word(0);
      writer.end();
    },
  );
}

export function decodeQdisc(message: MessageView): Qdisc | undefined {
  if (message.type !== RTM_NEWQDISC) return undefined;
  const ifindex = message.i32(4);
  const reader = message.attributes(TCMSG_BYTES);
  while (reader.next()) if (reader.type === TCA_KIND) return { ifindex, kind: reader.string() };
  return undefined;
}
