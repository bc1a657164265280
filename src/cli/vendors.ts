/**
 * `keybrake vendors`: which vendors there are, and whether a description of one is right. Reads files
 * of this machine and asks no server.
 */
import type { Command } from 'commander';
import type { CheckedFile } from '../vendor-files.ts';
import { CliError, EXIT } from './exit.ts';
import type { Column } from './table.ts';
import type { Terminal } from './terminal.ts';

export function addVendorCommands(program: Command, terminal: Terminal): void {
  const vendors = program
    .command('vendors')
    .description('list the vendors, and check descriptions of further ones');
  addCheck(vendors, terminal);
  addList(vendors, terminal);
}

interface CheckOptions {
  json?: boolean;
}

const ENDPOINT_COLUMNS: readonly Column[] = [
  { title: 'CALL', shrinks: true },
  { title: 'OPERATION', optional: 1 },
  { title: 'CLASS' },
  { title: 'COSTS', shrinks: true },
];

function addCheck(vendors: Command, terminal: Terminal): void {
  const command = vendors
    .command('check <file...>')
    .description('check descriptions of vendors: every fault with its line, or what calls cost')
    .option('--json', 'print what is found as JSON')
    .addHelpText(
      'after',
      `
A fault is printed as file:line: reason, and the exit status is 1. For a right file its endpoints are
printed, with their class and what a call costs.

Examples:
  $ keybrake vendors check vendors/printshop.yaml
  $ keybrake vendors check vendors/*.yaml`,
    );
  command.action(async (files: string[], options: CheckOptions) => {
    // Not before: the schema library would slow every other command down.
    const { checkVendorFiles } = await import('../vendor-files.ts');
    const checked = checkVendorFiles(files);
    if (options.json) terminal.print(JSON.stringify({ data: checked }, null, 2));
    else for (const each of checked) printChecked(each, terminal);
    const faults = checked.reduce((sum, each) => sum + each.faults.length, 0);
    if (faults > 0) {
      throw new CliError(EXIT.failed, `${faults} ${faults === 1 ? 'fault' : 'faults'}.`);
    }
  });
}

function printChecked({ file, vendor, faults, endpoints }: CheckedFile, terminal: Terminal): void {
  for (const fault of faults) terminal.print(fault);
  if (vendor === null) return;
  terminal.print(terminal.style('bold', `${vendor} (${file})`));
  const rows = endpoints.map((each) => [each.match, each.operation ?? '-', each.class, each.costs]);
  terminal.printTable(ENDPOINT_COLUMNS, rows, '  ');
}

interface ListOptions {
  vendors?: string;
  json?: boolean;
}

const LIST_COLUMNS: readonly Column[] = [
  { title: 'VENDOR' },
  { title: 'SENT TO' },
  { title: 'CREDENTIALS' },
  { title: 'FROM', shrinks: true },
];

function addList(vendors: Command, terminal: Terminal): void {
  const command = vendors
    .command('list')
    .alias('ls')
    .description('list the vendors that a server would know')
    .option('--vendors <folder>', 'folder of further descriptions; KEYBRAKE_VENDORS')
    .option('--json', 'print them as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ keybrake vendors list
  $ keybrake vendors list --vendors ./vendors --json`,
    );
  command.action(async (options: ListOptions) => {
    const known = await vendorsWith(options.vendors ?? process.env.KEYBRAKE_VENDORS ?? null);
    const rows = known.map(([name, { vendor, described }]) => ({
      vendor: name,
      base_url: vendor.baseUrl,
      credentials: vendor.credentialFields,
      file: described?.file ?? null,
    }));
    if (options.json) {
      terminal.print(JSON.stringify({ data: rows }, null, 2));
      return;
    }
    const cells = rows.map((row) => [
      row.vendor,
      row.base_url,
      row.credentials.join(', '),
      row.file ?? 'Keybrake',
    ]);
    terminal.printTable(LIST_COLUMNS, cells);
  });
}

/** With the operator's folder, if there is one. A wrong file is told as a server's start tells it. */
async function vendorsWith(folder: string | null) {
  const { knownVendors } = await import('../vendor-files.ts');
  const { ConfigError } = await import('../config.ts');
  try {
    return [...knownVendors(folder)];
  } catch (error) {
    throw error instanceof ConfigError ? new CliError(EXIT.usage, error.message) : error;
  }
}
