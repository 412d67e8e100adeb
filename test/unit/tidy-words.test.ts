/** One vocabulary: words replaced by a standard term do not return (docs/glossary.md). */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BPF = join(ROOT, 'bpf');

/**
 * Identifiers of bpf/ that are gone, and what says the same now. `ANSWER_*` is no REPLY_*: it is all that a program makes in place of the
 * gateway, ICMP errors among them, and operators know it as `answer-…`.
 */
const GONE: Readonly<Record<string, string>> = {
  aside: 'port_exception, uplink_exception, nn_exception',
  find_way: 'resolve_nexthop',
  choose_hop: 'select_nexthop',
  find_hop: 'encap_nexthop_of',
  find_target: 'lookup_endpoint',
  may_send: 'src_allowed',
  guard: 'antispoof_check',
  not_its_own: 'check_link_local_src',
  read_frame: 'parse_port_frame',
  known_way: 'encap_cache_entry',
  known_port: 'port_cache_entry',
  egress_flow: 'egress_cache_entry',
  ingress_flow: 'decap_cache_entry',
  followed_flow: 'return_path_entry',
  passed_flow: 'nn_flow_entry',
  flow_nodes: 'sg_gw_affinity',
  memory_index: 'cache_index',
  epoch: 'generation, policy_generation',
  epoch_now: 'cache_generation_now',
  moment_now: 'coarse_jiffies',
  members: 'sg_endpoints',
  permit: 'present',
  underlay: 'nexthop_group',
  underlays: 'sg_nh_groups',
  fold: 'hash_in6',
  mix: 'hash_mix64',
  step_inet: 'ipv4_dec_ttl',
  unstep_inet: 'ipv4_inc_ttl',
  carry_congestion: 'ecn_decapsulate',
  arrival: 'decap_ctx',
  read_arrival: 'decap_lookup',
  finish_arrival: 'decap_finish',
  stripped: 'decap_meta',
  to_local: 'deliver_local',
  to_remote: 'encap_to_nexthop',
  fits: 'exceeds_mtu',
  made_bytes: 'trace_frame_len',
  alone: 'no_kernel_fallback',
  ends: 'is_final',
  keep: 'trace_capture',
  take_down: 'trace_capture_slow',
  report: 'trace_emit',
  watcher: 'trace_session',
  watchers: 'sg_trace_sess',
  watching: 'trace_enabled',
  budgets: 'sg_trace_rate',
  tell: 'trace_send',
  within_rate: 'trace_ratelimit_take',
  within_limit: 'icmp_ratelimit_take',
  quote: 'orig_dgram',
  read_quote: 'parse_orig_dgram',
  cut_quote: 'trim_orig_dgram',
  move_quote: 'relocate_orig_dgram',
  settle_checksum: 'fix_partial_csum',
  teller: 'icmp_src',
  tell_vm: 'icmp_error_to_vm',
  tell_sender: 'icmp_error_to_remote',
  tell_zone: 'icmp_error_from_nn',
  is_elsewhere: 'should_proxy_reply',
  steered_encap: 'gateway_encap',
  follow_packet: 'learn_return_path',
  passage: 'nn_verdict',
  settle: 'nn_process',
  settled: 'cacheable',
  decide: 'nn_classify',
  ask: 'policy_check',
  ask_policies: 'policy_lookup',
  remember_fragments: 'ct_frag_insert',
  denials: 'sg_policy_log',
  tell_decision: 'policy_log_emit',
  account: 'account_packet',
  go_on: 'nn_fast_forward',
  send_on: 'nn_forward',
  steer: 'nn_uplink_ingress',
  write_steered: 'write_reencap',
  is_own_member: 'is_local_endpoint',
  KEEP_STRUCT: 'BTF_EXPORT_STRUCT',
  KEEP_ENUM: 'BTF_EXPORT_ENUM',
  KNOWS_ZONES: 'TRACE_WITH_ZONES',
  IN_MEMORY: 'force_stack',
  MEMORY: 'PERCPU_CACHE',
  hop_of: 'select_nexthop',
  known_ports: 'port_cache',
  epochs: 'sg_cache_gen',
  follows: 'gw_flow_generation',
  ticks_now: 'now_ticks',
  prefixes: 'endpoint_prefixes',
  sources: 'allowed_src',
  source_prefixes: 'allowed_src_lpm',
  strip: 'decap_to_stack',
  whole_bytes: 'frame_len',
  count_reason: 'count_verdict',
  rings: 'sg_trace_rings',
  scratches: 'trace_buf',
  let_gateway_tell: 'set_icmp_src_port',
  let_zone_tell: 'set_icmp_src_zone',
  zone_gateways: 'icmp_src_lpm',
  told_frame: 'icmp_encap_frame',
  send_told: 'send_icmp_encap',
  read_told: 'parse_for_icmp',
  untold: 'suppressed_reason',
  pick_gateway_encap: 'select_gateway_encap',
  encap_back: 'return_encap',
  relayable: 'may_forward_to_peer',
  relays: 'forward_count',
  decide_connection: 'ct_lookup_or_create',
  ask_table: 'policy_lookup',
  ask_set: 'policy_lookup',
  look_again: 'ct_revalidate',
  touch: 'ct_refresh',
  step_forward: 'ct_tcp_original',
  step_reply: 'ct_tcp_reply',
  fate: 'ct_frag_insert',
};

/** Prefixes of names that are gone. */
const GONE_PREFIXES =
  /^(TARGET_(LOCAL|REMOTE|GATEWAY|STEERED|EXTERNAL|ABSENT)|CONNECTION_[A-Z]|HOP_(SELF|FRAMES|SLOTS)|(PORT|EXTERNAL)_FRAMES|PORT_PEER|STEERED_PLACE|(recall|remember)_[a-z])/;

/**
 * The same of src/ and lab/. Words that have an everyday meaning besides (`take`, `change`, `look`, `held`, `lost`) are not listed: the types
 * and classes that had them are.
 */
const GONE_FROM_SRC: Readonly<Record<string, string>> = {
  Breath: 'Yielder',
  isDue: 'shouldYield',
  survey: 'diff',
  Survey: 'StateDiff',
  takesAlong: 'cascades',
  coming: 'upserts',
  going: 'removals',
  KindName: 'ResourceName',
  obstacle: 'conflict',
  serves: 'toleratesConflict',
  Found: 'Observed',
  LargeFound: 'ObservedStream',
  brake: 'removalGuard',
  BrakeError: 'MassRemovalError',
  KERNEL_KINDS: 'the registered resources',
  Entity: 'PlanUnit',
  planEntity: 'planUnit',
  touchedBy: 'affectedSteps',
  RemotePair: 'RemoteSite',
  RemotePlace: 'RemoteEndpoint',
  place6: 'endpoint6',
  PLACE_SHIFT: 'GW_FIXED_SLOT_SHIFT',
  planLone: 'planEbpfOnly',
  planLonePort: 'planEbpfOnlyPort',
  planLonePortGuard: 'planEbpfOnlyPortGuard',
  planLoneGuardTables: 'planEbpfOnlyGuardTables',
  applyWays: 'applyReachability',
  wayTo: 'underlayRouteTo, networkNodeWay',
  Remembered: 'SavedSettings',
  exclusively: 'withNodeLock',
  Hints: 'Invalidations',
  addHints: 'invalidate',
  asksWays: 'tracksReachability',
  untaken: 'pendingIntent',
  manageGateways: 'manageNeighbours',
  isLeft: 'needsManaged',
  allKept: 'allManaged',
  releaseGateways: 'unmanageNeighbours',
  gatewayMacs: 'neighbourMacs',
  forgetFlows: 'invalidateFlowCache',
  newEpoch: 'a random generation',
  trial: 'loadForTestRun',
  steeringTrial: 'loadNetworkNodeForTestRun',
  goesPastDevice: 'canRedirectPeer',
  Missed: 'TraceLoss',
  WatchersError: 'NoTraceSlotError',
  planTellers: 'planIcmpSources',
  reachOf: 'zoneRoutes',
  Stored: 'StoredSet',
  removeLeft: 'removeUnreferenced',
  Deciding: 'PolicyExplainer',
  Denials: 'PolicyLogReader',
  DecisionRate: 'LogRateLimiter',
  Naming: 'NameResolver',
  Passage: 'ZoneTransit',
  Journal: 'TraceLog',
  Admission: 'DoctorInput',
  Patient: 'CheckContext',
  diagnose: 'runChecks',
  complain: 'printError',
  heldBy: 'relevantTo',
  Watch: 'KernelWatcher, TraceSession',
};

/** Phrases that are word for word from another language, with what a native writer has. */
const GONE_PHRASES: Readonly<Record<string, RegExp>> = {
  'silently, without a notification': /without a word\b/i,
  // "It has not." as the whole of a clause, for "it lacks it": "it has not come" is English.
  'lacks, does not have, not available in': /\bha(?:ve|s) (?:(?:them|it) not\b|not(?=\s*(?:[.,;:|)'"`]|\*\/)))/i,
};

const tracked = (...patterns: string[]): string[] =>
  execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', ...patterns], { cwd: ROOT, encoding: 'utf8' })
    .trim()
    .split('\n');

/** Code without comments, strings and preprocessor includes. */
function codeOf(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|^#include.*$/gm, ' ');
}

/** Objects of src/libbpf's own tests (bpf/test) have words of their own: they are no part of the data plane. */
const sources = readdirSync(BPF, { recursive: true, encoding: 'utf8' }).filter(
  (path) => /\.[ch]$/.test(path) && !path.startsWith('test/'),
);

describe('identifiers of bpf/', () => {
  it('are found in more than 50 files', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(codeOf('/* epoch */ int a; // keep\n"mix" b')).not.toMatch(/epoch|keep|mix/);
  });

  it('are the standard terms', () => {
    const found = sources.flatMap((path) => {
      const words = new Set(codeOf(readFileSync(join(BPF, path), 'utf8')).match(/[A-Za-z_]\w*/g));
      return [...words].flatMap((word) => {
        const now = Object.hasOwn(GONE, word) ? GONE[word] : undefined;
        if (now !== undefined) return [`bpf/${path}: ${word}: expected ${now}`];
        return GONE_PREFIXES.test(word) ? [`bpf/${path}: ${word}`] : [];
      });
    });
    expect(found).toEqual([]);
  });

  it('of maps begin with sg_, have at most 15 characters, and are defined only in bpf/maps/', () => {
    const wrong = sources.flatMap((path) => {
      if (path === 'maps/map_defs.h' || path.startsWith('bench/')) return [];
      const code = codeOf(readFileSync(join(BPF, path), 'utf8'));
      const names = [
        ...code.matchAll(/^(?:SCRATCH\(|[A-Z_]*(?:ARRAY|HASH|TRIE|CACHE)[A-Z_]*\(\w+, )(\w+)/gm),
        ...code.matchAll(/^\} (\w+) SEC\(/gm),
      ].map(([, name]) => name ?? '');
      const bad = names.filter((name) => !/^sg_[a-z0-9_]{1,12}$/.test(name) || !path.startsWith('maps/'));
      return bad.map((name) => `bpf/${path}: ${name}`);
    });
    expect(wrong).toEqual([]);
  });
});

describe('identifiers of src/ and lab/', () => {
  it('are the standard terms', () => {
    const files = tracked('src/*.ts', 'lab/*.ts').filter((path) => !path.includes('/generated/'));
    expect(files.length).toBeGreaterThan(400);
    const found = files.flatMap((path) => {
      const code = codeOf(readFileSync(join(ROOT, path), 'utf8')).replaceAll(
        /'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g,
        ' ',
      );
      return [...new Set(code.match(/[A-Za-z_]\w*/g))].flatMap((word) =>
        Object.hasOwn(GONE_FROM_SRC, word) ? [`${path}: ${word}: expected ${GONE_FROM_SRC[word]}`] : [],
      );
    });
    expect(found).toEqual([]);
  });
});

describe('phrases', () => {
  it('of translated English are absent from comments, messages, tests and documents', () => {
    // Decisions and changes of the past stand as they were written.
    const files = tracked('*.ts', '*.js', '*.h', '*.c', '*.md', 'scripts/*').filter(
      (path) => !/^(docs\/adr\/|CHANGELOG\.md|test\/unit\/tidy-words)|\/generated\//.test(path),
    );
    const found = files.flatMap((path) =>
      readFileSync(join(ROOT, path), 'utf8')
        .split('\n')
        .flatMap((line, at) =>
          Object.entries(GONE_PHRASES).flatMap(([better, phrase]) =>
            phrase.test(line) ? [`${path}:${at + 1}: expected ${better}: ${line.trim()}`] : [],
          ),
        ),
    );
    expect(found).toEqual([]);
  });
});
