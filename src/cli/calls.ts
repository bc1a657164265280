/** `keybrake calls`: the group of the commands that read the audit, and end what is left open in it. */
import type { Command } from 'commander';
import { addExport } from './calls-export.ts';
import { addRelease, addSettle, addUnresolved } from './calls-resolve.ts';
import { addShadowReport } from './calls-shadow.ts';
import { addShow } from './calls-show.ts';
import { addTail } from './calls-tail.ts';
import type { Terminal } from './terminal.ts';

export function addCallCommands(program: Command, terminal: Terminal): void {
  const calls = program
    .command('calls')
    .description('read the audit, one row for every call; end what is left open');
  addTail(calls, terminal);
  addShow(calls, terminal);
  addExport(calls, terminal);
  addShadowReport(calls, terminal);
  addUnresolved(calls, terminal);
  addSettle(calls, terminal);
  addRelease(calls, terminal);
}
