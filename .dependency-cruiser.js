import { existsSync, readdirSync } from 'node:fs';
// The layers of src/: who may import whom. `make lint` checks them; docs/architecture.md has the table.
// A feature is a folder with a feature.ts; those of plan/ and reconcile/ say what that is.
const MECHANISM = ['plan', 'reconcile'];
const folders = readdirSync('src').filter((name) => existsSync(`src/${name}/feature.ts`) && !MECHANISM.includes(name));
const FEATURES = `^src/(${folders.join('|')})/`;
const ABOVE = '^src/(app|agent|observe|cli|init)/';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circles',
      comment: 'Two modules that need each other are one, or need a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'mechanism-knows-no-feature',
      comment:
        'The planner, the engine and what is beneath work for features that register (src/app/features.ts): they import none.',
      severity: 'error',
      from: { path: '^src/(plan|reconcile|kernel|packet)/' },
      to: { path: [FEATURES, ABOVE] },
    },
    {
      name: 'intent-knows-no-feature',
      comment: 'The model of the intent gets the keys of features from who composes them (src/app/features.ts).',
      severity: 'error',
      from: { path: '^src/intent/' },
      to: { path: [FEATURES, ABOVE] },
    },
    {
      name: 'mechanism-knows-no-tenants',
      comment: 'Packets are read and built without knowing whose they are.',
      severity: 'error',
      from: { path: '^src/packet/' },
      to: { path: '^src/(plan|reconcile|kernel|intent)/' },
    },
    {
      name: 'libraries-stand-alone',
      comment:
        'netlink-ts and libbpf-ts are packages of their own: they depend on koffi and Node.js, not on segue, not on each other.',
      severity: 'error',
      from: { path: '^src/(netlink|libbpf)/' },
      to: {
        pathNot:
          '^src/$1/|^node_modules/koffi/|^(node:)?(fs|path|net|os|events|util|buffer|process|url|timers/promises)$',
      },
    },
    {
      name: 'features-are-composed-above',
      comment: 'A feature is registered in src/app/features.ts; it does not know who composes it.',
      severity: 'error',
      from: { path: FEATURES },
      to: { path: ABOVE },
    },
    {
      name: 'shown-by-registration',
      comment:
        'What these features have for doctor, show and the facts of the machine they register: `observe` and `facts` of feature.ts. A file of cli/show prints what one feature has; packets are traced and events named by zones, which gateways have.',
      severity: 'error',
      from: { path: '^src/(observe|agent|cli)/', pathNot: '^src/(observe/(trace|events)|cli/show)/' },
      to: { path: '^src/(gateway|dhcp|icmp-rate|service|migrate)/' },
    },
    {
      name: 'nobody-imports-commands',
      comment: 'Commands and their output are the outermost, and the API, which answers what commands print.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(cli|api)/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'product-without-laboratory',
      comment: 'The laboratory is no part of the agent.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^lab/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['@segue/source', 'import', 'node'] },
  },
};
