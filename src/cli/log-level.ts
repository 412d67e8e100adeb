import { Option } from 'commander';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

/** `--log-level` of commands that run until they are stopped. */
export function logLevelOption(): Option {
  return new Option('--log-level <level>', 'lowest level to log').choices(LOG_LEVELS).default('info');
}
