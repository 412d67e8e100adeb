import js from '@eslint/js';
import tseslint from 'typescript-eslint';

// Raw FFI lives in the two folders that own it; everybody else calls them.
const noRawFfi = {
  'no-restricted-imports': [
    'error',
    { paths: [{ name: 'koffi', message: 'raw FFI belongs to src/libbpf and src/netlink' }] },
  ],
};

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.cache/', 'build/'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['eslint.config.js'] } },
    },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      ...noRawFfi,
    },
  },
  { files: ['src/netlink/**', 'src/libbpf/**'], rules: { 'no-restricted-imports': 'off' } },
  // Interfaces that features add to, each in its own folder.
  {
    files: ['src/plan/**', 'src/kernel/**'],
    rules: { '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'always' }] },
  },
  { files: ['bench/**', 'test/**'], rules: { 'no-console': 'off' } },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
);
