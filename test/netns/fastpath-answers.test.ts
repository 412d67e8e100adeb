import { describeAnswers } from './lib/answers.js';

describeAnswers('hybrid');
