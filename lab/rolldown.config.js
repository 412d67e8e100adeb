// Bundles the laboratory (dist/lab) from the sources; the agent's bundle (dist/bin) contains none of it.
import { fileURLToPath, URL } from 'node:url';
import { defineConfig } from 'rolldown';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

export default defineConfig({
  input: [path('commands.ts'), path('fleet/node-host.ts')],
  platform: 'node',
  external: ['koffi'],
  // As in tsconfig.json: Node 20 lacks `using`.
  transform: { target: 'es2023' },
  resolve: {
    extensionAlias: { '.js': ['.ts', '.js'] },
    conditionNames: ['@segue/source', 'import', 'node', 'default'],
  },
  output: { dir: path('../dist/lab'), format: 'esm', cleanDir: true },
});
