import { addEnrollmentCommands } from './fleet-enrollment.js';
import { addNodeCommands } from './fleet/node-commands.js';
import { addSimulateCommand } from './fleet/simulate-command.js';
import type { Command } from 'commander';

/** `fleet`: the nodes of a fleet. Each group of subcommands has its own file, and its modules are loaded when it runs. */
export function addFleetCommands(program: Command): Command {
  const fleet = program.command('fleet').description('enroll, watch and operate the nodes of a fleet');
  addEnrollmentCommands(fleet);
  addNodeCommands(fleet);
  addSimulateCommand(fleet);
  return fleet;
}
