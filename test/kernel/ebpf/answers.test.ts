import { describeAnswers } from '../../netns/lib/answers.js';

describeAnswers('ebpf');
