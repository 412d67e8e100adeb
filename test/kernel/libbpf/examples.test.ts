/** The programs of src/libbpf/examples. */
import { describe } from 'vitest';
import { Examples } from '../examples.js';
import { libbpfExamples } from './examples.js';
import { ROOT } from './harness.js';

const DIRECTORY = `${ROOT}/src/libbpf/examples`;

describe('examples of libbpf-ts', () => {
  libbpfExamples(new Examples(DIRECTORY), DIRECTORY);
});
