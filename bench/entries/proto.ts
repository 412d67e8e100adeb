import { writeFileSync } from 'node:fs';
import { session } from '../lib/session.js';
import { run } from '../lib/processes.js';
import { intentFile, makeIntent, SELF } from '../lib/workload.js';
import { makeStand } from './stand.js';

const N = Number(process.argv[2] ?? 1000000);
let first = true;
const flags = process.argv.slice(3);
await session(async (names) => {
  const intent = makeIntent({ remotePorts: N, tenants: 256, nodes: 1000, placement: 'dealt' });
  const file = `/tmp/load-bench-${process.pid}.json`;
  writeFileSync(file, intentFile(intent));
  const ports = intent.ports.filter(({ node }) => node === SELF).map((p) => p.interface);
  const netns = await makeStand(names.next(), intent.sidBlock, ports);
  const pins = `${names.bpffs()}/node`;
  for (const what of [...(process.env.WHAT ?? 'load,load,purge').split(',')]) {
    const r = await run(process.execPath, [
      '--expose-gc',
      '--max-old-space-size=8192',
      ...(first ? [] : flags),
      new URL('./load.js', import.meta.url).pathname,
      netns,
      pins,
      file,
      what,
    ]);
    console.log(what, r.code, r.stderr.slice(0, 300));
    first = false;
    if (r.code === 0) {
      const j = JSON.parse(r.stdout);
      j.failures = j.failures.slice(0, 3);
      console.log(JSON.stringify(j, (_k, v) => (typeof v === 'number' ? Math.round(v * 10) / 10 : v)));
    }
  }
});
