/**
 * docs/api.md and what the server serves say the same, both ways: every route with who may use it,
 * every field that a key can have, every parameter by which lists are filtered.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { controlRoutes } from '../../src/control/control.ts';
import { changeFields, issueFields } from '../../src/control/key-fields.ts';
import { CALL_COLUMNS } from '../../src/control/views.ts';
import { openHouse } from './house.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/api.md'), 'utf8');
const house = await openHouse();
const routes = controlRoutes(house.deps);

/** The rows of the table that begins with this title, cell by cell. */
function rowsUnder(title: string): string[][] {
  const [, rows = ''] = page.split(`| ${title} |`)[1]?.match(/\n\| --- .*\n((?:\|.*\n)+)/) ?? [];
  assert.ok(rows, `there is a table of ${title}`);
  return rows
    .trimEnd()
    .split('\n')
    .map((row) => row.slice(2, -2).split(' | '));
}

const words = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word!);

/** Each route's row by `GET /vault/keys`; the last row has several paths. */
const described = new Map(
  rowsUnder('route').flatMap(([names = '', who = '', does = '']) =>
    words(names).map((name) => {
      const route = name.startsWith('/') ? `GET ${name}` : name;
      return [route, { who: who.split(/[ ;,]/)[0], does }] as const;
    }),
  ),
);

test('every route is in the table, with the role it asks for, and no other is', () => {
  const served = routes.map(({ method, path, access }) => [
    `${method} ${path}`,
    access === 'public' ? 'anyone' : access,
  ]);
  const told = [...described].map(([route, { who }]) => [route, who]);
  assert.deepEqual(told.toSorted(), served.toSorted());
});

test('every field of POST /vault/keys is in the table, and no other is', () => {
  const told = rowsUnder('field').flatMap(([names = '']) => words(names));
  assert.deepEqual(told.toSorted(), Object.keys(issueFields([])).toSorted());
});

test('the fields that a change takes are named where it is described', () => {
  const { does } = described.get('PATCH /vault/keys/{id}')!;
  for (const field of Object.keys(changeFields)) assert.ok(does.includes(`\`${field}\``), field);
});

for (const route of ['GET /vault/keys', 'GET /vault/calls', 'GET /vault/spend']) {
  test(`the filters of ${route} are named where it is described`, () => {
    const { query } = routes.find(({ method, path }) => `${method} ${path}` === route)!;
    const { does } = described.get(route)!;
    const { does: ofCalls } = described.get('GET /vault/calls')!;
    const known = words(does.includes('the filters of calls') ? does + ofCalls : does);
    for (const name of Object.keys(query)) {
      if (name === 'limit' || name === 'cursor') continue;
      assert.ok(known.includes(name), name);
    }
  });
}

test('the columns of the audit are in the table, in their order', () => {
  const told = rowsUnder('column').flatMap(([names = '']) => words(names));
  assert.deepEqual(told, Object.keys(CALL_COLUMNS));
});
