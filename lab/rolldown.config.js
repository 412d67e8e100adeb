// The laboratory in a bundle of its own (dist/lab), from the sources: the agent's (dist/bin) has none of it.
import { fileURLToPath, URL } from 'node:url';
import { defineConfig } from 'rolldown';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

export default defineConfig({
  input: [path('commands.ts'), path('fleet/node-host.ts')],
  platform: 'node',
  external: ['koffi'],
  // As tsconfig.json has it: Node 20 has no `using`.
  transform: { target: 'es2023' },
  resolve: {
    extensionAlias: { '.js': ['.ts', '.js'] },
    conditionNames: ['@segue/source', 'import', 'node', 'default'],
  },
  output: { dir: path('../dist/lab'), format: 'esm', cleanDir: true },
});
