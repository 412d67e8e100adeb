import { addNodeCommands } from './fleet/node-commands.js';
import type { Command } from 'commander';

/** `fleet`: the nodes of a fleet. Each subcommand is in a file of its own, src/cli/fleet/<name>.ts, which is loaded when it runs. */
export function addFleetCommands(program: Command): Command {
  const fleet = program.command('fleet').description('enrol, watch and operate the nodes of a fleet');
  addNodeCommands(fleet);
  return fleet;
}
