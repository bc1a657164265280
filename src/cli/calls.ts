/** `keybrake calls`: the group of the commands that read the audit. */
import type { Command } from 'commander';
import { addExport } from './calls-export.ts';
import { addTail } from './calls-tail.ts';
import type { Terminal } from './terminal.ts';

export function addCallCommands(program: Command, terminal: Terminal): void {
  const calls = program.command('calls').description('read the audit: one row for every call');
  addTail(calls, terminal);
  addExport(calls, terminal);
}
