// The layers of src/: who may import whom. `make lint` checks them; docs/architecture.md has the table.
const FEATURES = '^src/(edge|host|vrf|port|encap|ebpf|gateway)/';
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
      comment: 'The planner, the engine and what is beneath work for features that register (src/app/features.ts): they import none.',
      severity: 'error',
      from: { path: '^src/(plan|reconcile|kernel|netlink|libbpf|net|packet)/' },
      to: { path: [FEATURES, ABOVE] },
    },
    {
      name: 'mechanism-knows-no-tenants',
      comment: 'Codecs and sockets are libraries of their own.',
      severity: 'error',
      from: { path: '^src/(netlink|libbpf|net|packet)/' },
      to: { path: '^src/(plan|reconcile|kernel|intent)/' },
    },
    {
      name: 'features-are-composed-above',
      comment: 'A feature is registered in src/app/features.ts; it does not know who composes it.',
      severity: 'error',
      from: { path: FEATURES },
      to: { path: ABOVE },
    },
    {
      name: 'nobody-imports-commands',
      comment: 'Commands and their output are the outermost.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
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
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node'] },
  },
};
