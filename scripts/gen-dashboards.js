// Writes the dashboards of packaging/grafana from packaging/grafana/*.js.
//
//   node scripts/gen-dashboards.js [--check]      --check writes nothing; exit 1 when a file is not what would be written
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';
import { dashboardOf } from '../packaging/grafana/builder.js';
import agent from '../packaging/grafana/agent.js';
import drops from '../packaging/grafana/drops.js';
import fleet from '../packaging/grafana/fleet.js';
import networkNodes from '../packaging/grafana/network-nodes.js';
import node from '../packaging/grafana/node.js';
import tenant from '../packaging/grafana/tenant.js';

const check = process.argv.includes('--check');
for (const definition of [fleet, node, tenant, networkNodes, drops, agent]) {
  const name = `packaging/grafana/${definition.uid}.json`;
  const path = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const text = `${JSON.stringify(dashboardOf(definition), null, 2)}\n`;
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
  if (check) {
    process.stderr.write(`gen: ${name} is not what its definition says: run \`make gen\`\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    process.stdout.write(`gen: wrote ${name}\n`);
  }
}
