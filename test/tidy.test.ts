/**
 * The house rules that a machine can see, held on every file of src/: what may be used where, and
 * which folder may know of which. The reasons are in ARCHITECTURE.md; a new exception is a line here.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');

interface Source {
  /** `src/proxy/call.ts` */
  path: string;
  text: string;
  /** Without comments. */
  code: string;
  /** What it imports: `node:http`, `undici`, or `src/errors.ts` for a file of ours. */
  imports: string[];
}

const sources: Source[] = globSync('src/**/*.ts', { cwd: ROOT })
  .sort()
  .map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
    const named = code.matchAll(/(?:from|import|import\()\s*'([^']+)'/g);
    const imports = [...named].map(([, name = '']) =>
      name.startsWith('.') ? posix.join(posix.dirname(path), name) : name,
    );
    return { path, text, code, imports };
  });

/** The files for which this holds. */
function filesWhere(holds: (source: Source) => boolean): string[] {
  return sources.filter(holds).map(({ path }) => path);
}

const nobody: string[] = [];

test('only one file of each listener knows node:http, and one file knows undici', () => {
  const http = filesWhere(({ imports }) => imports.some((name) => /^node:https?2?$/.test(name)));
  assert.deepEqual(http, ['src/sandbox/listener.ts', 'src/server.ts']);
  assert.deepEqual(
    filesWhere(({ imports }) => imports.includes('undici')),
    ['src/proxy/forward.ts'],
  );
});

test('only one file knows YAML', () => {
  assert.deepEqual(
    filesWhere(({ imports }) => imports.includes('yaml')),
    ['src/vendors/declared/yaml.ts'],
  );
});

test('only one file knows the plans of phone numbers', () => {
  assert.deepEqual(
    filesWhere(({ imports }) => imports.some((name) => name.startsWith('libphonenumber-js'))),
    ['src/vendors/twilio/phone.ts'],
  );
});

test('only the ledger knows SQL, and only its SQLite store knows node:sqlite', () => {
  const sqlite = filesWhere(({ imports }) => imports.includes('node:sqlite'));
  assert.ok(sqlite.length > 0);
  assert.deepEqual(
    sqlite.filter((path) => !path.startsWith('src/ledger/sqlite/')),
    nobody,
  );
  const sql = /\b(?:SELECT\b[^;]*\bFROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|CREATE TABLE)\b/;
  const statements = filesWhere(({ code }) => sql.test(code));
  assert.ok(statements.length > 0);
  assert.deepEqual(
    statements.filter((path) => !path.startsWith('src/ledger/')),
    nobody,
  );
});

test('a secret comes out of its wrapper only where it is stored, compared or sent', () => {
  assert.deepEqual(
    filesWhere(({ code }) => code.includes('.reveal()')),
    [
      'src/keybrake.ts',
      'src/proxy/mask.ts',
      'src/vendors/declared/outbound.ts',
      'src/vendors/resend/headers.ts',
      'src/vendors/stripe/headers.ts',
      'src/vendors/twilio/account.ts',
    ],
  );
});

test('the files print through the terminal or the log, never by themselves', () => {
  assert.deepEqual(
    filesWhere(({ path, code }) => /\bconsole\./.test(code) && !path.startsWith('src/cli/')),
    nobody,
  );
});

test('nothing is typed `any`, and no check of the compiler is switched off', () => {
  const loose = /(?::|<|\bas)\s*any\b|\bany\[\]/;
  assert.deepEqual(
    filesWhere(({ code }) => loose.test(code)),
    nobody,
  );
  assert.deepEqual(
    filesWhere(({ text }) => /@ts-(?:ignore|nocheck|expect-error)|biome-ignore/.test(text)),
    nobody,
  );
});

test('every file begins by saying what it owns, and fits in a head', () => {
  assert.deepEqual(
    filesWhere(({ text }) => !/^(?:#!.*\n)?\/\*\*(?:\n \*)? \S/.test(text)),
    nobody,
  );
  assert.deepEqual(
    filesWhere(({ text }) => text.split('\n').length > 401),
    nobody,
  );
});

test('no reminder is left behind', () => {
  const reminder = new RegExp(
    `\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`,
  );
  assert.deepEqual(
    filesWhere(({ text }) => reminder.test(text)),
    nobody,
  );
});

/** Which folders a folder may import from, beside itself and the files that stand in src/. */
const KNOWS: Readonly<Record<string, readonly string[]>> = {
  vendors: [],
  sandbox: [],
  ledger: ['vendors'],
  tariffs: ['vendors'],
  proxy: ['ledger', 'tariffs', 'vendors'],
  resolve: ['ledger', 'vendors', 'proxy', 'tariffs'],
  control: ['ledger', 'vendors', 'proxy', 'tariffs'],
  cli: ['control', 'ledger', 'proxy', 'sandbox', 'tariffs', 'vendors'],
};

const folderOf = (path: string): string => /^src\/(\w+)\//.exec(path)?.[1] ?? '';

test('folders know only the folders below them', () => {
  const wrong: string[] = [];
  for (const { path, imports } of sources) {
    const from = folderOf(path);
    if (from === '') continue;
    const allowed = KNOWS[from];
    assert.ok(allowed, `src/${from}/ has no line in KNOWS`);
    for (const name of imports) {
      const to = folderOf(name);
      if (to !== '' && to !== from && !allowed.includes(to)) wrong.push(`${path} → ${name}`);
    }
  }
  assert.deepEqual(wrong, nobody);
});

test('no file imports itself by way of others', () => {
  const importsOf = new Map(sources.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    assert.ok(!way.includes(path), [...way, path].join(' → '));
    if (done.has(path)) return;
    for (const next of importsOf.get(path) ?? []) visit(next, [...way, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
});
