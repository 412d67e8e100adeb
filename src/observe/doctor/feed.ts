/** Checks the feeds of a node: which one it follows, and the age of its intent. */
import { X509Certificate } from 'node:crypto';
import { readRegularFile } from '../../intent/regular-file.js';
import { readFeedStatus } from '../../fleet/node/status.js';
import type { FeedsConfig } from '../../intent/types.js';
import type { Findings } from './types.js';

const DAY_MS = 86_400_000;
/** Days before the end of a certificate at which a warning is given; for short-lived certificates, the last part of their lifetime. */
const SOON_DAYS = 14;
const SOON_PART = 0.25;

export function checkFeed(findings: Findings, feeds: FeedsConfig, runDirectory: string): void {
  const status = readFeedStatus(runDirectory);
  if (status === undefined) {
    findings.warn(
      'feed',
      'no agent has connected to a feed since boot',
      'is the agent running? Forwarding continues with the intent that the node had',
    );
  } else if (status.refused !== undefined) {
    findings.fail(
      'feed',
      `the intent of the feed is refused: ${status.refused}`,
      'the node keeps the intent before that: correct the intent (segue intent), or upgrade segue here',
    );
  } else if (status.lostSinceMs !== undefined) {
    findings.warn(
      'feed',
      `no feed has answered for ${ageText(Date.now() - status.lostSinceMs)}: ${status.error ?? ''}`,
      `forwarding continues with sequence ${status.sequence}; changes of the intent wait: check the feeds and the route to them`,
    );
  } else if (status.held !== undefined || status.behindMs !== undefined) {
    const why = status.held ?? `it has had no contact with etcd for ${ageText(status.behindMs ?? 0)}`;
    findings.warn(
      'feed',
      `feed ${status.feed ?? ''} holds sequence ${status.sequence}: ${why}`,
      'changes of the intent wait: check etcd',
    );
  } else findings.ok('feed', `feed ${status.feed ?? ''}, sequence ${status.sequence}`);
  checkCertificate(findings, feeds.tls.cert, status?.notRenewed);
}

function checkCertificate(findings: Findings, file: string, notRenewed: string | undefined): void {
  try {
    const { validFrom, validTo } = new X509Certificate(readRegularFile(file));
    const [from, end] = [Date.parse(validFrom), Date.parse(validTo)];
    const left = end - Date.now();
    const days = Math.floor(left / DAY_MS);
    const text = days >= 2 ? `${days} days` : ageText(left);
    const why = notRenewed === undefined ? '' : `; it was not renewed: ${notRenewed}`;
    const advice = 'renew it (segue fleet enroll): the next connection uses the new one';
    if (left < 0) findings.fail('certificate', `${file} has expired${why}`, `no feed accepts the node: ${advice}`);
    else if (left < Math.min(SOON_DAYS * DAY_MS, (end - from) * SOON_PART))
      findings.warn('certificate', `${file} ends in ${text}${why}`, advice);
    else findings.ok('certificate', `${file}: ${text} left`);
  } catch (error) {
    findings.fail(
      'certificate',
      `${file} cannot be read: ${(error as Error).message}`,
      'no feed accepts the node without it',
    );
  }
}

function ageText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return seconds < 120 ? `${seconds} s` : `${minutes} min`;
  return `${Math.round(minutes / 60)} h`;
}
