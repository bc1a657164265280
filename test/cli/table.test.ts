/** The tables and texts of the command line: what they align, cut and make harmless. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { dollars, parseReply, prettyJson } from '../../src/cli/exact-json.ts';
import { displayWidth, fieldLines, tableLines } from '../../src/cli/table.ts';
import { distance, shortTime } from '../../src/cli/times.ts';

const ESC = '\x1b';

test('columns are aligned, numbers to the right, and no line ends in spaces', () => {
  const columns = [
    { title: 'ID' },
    { title: 'SPENT', align: 'right' as const },
    { title: 'LABEL' },
  ];
  const lines = tableLines(columns, [
    ['key_1', '$1,204.10', 'a'],
    ['key_200', '$0.01', ''],
  ]);
  assert.deepEqual(lines, [
    'ID           SPENT  LABEL',
    'key_1    $1,204.10  a',
    'key_200      $0.01',
  ]);
});

test('a label cannot move the cursor, recolour the terminal or turn the direction of the text', () => {
  const [, line] = tableLines([{ title: 'LABEL' }], [[`${ESC}[2Jrun\r\n\u202e1`]]);
  assert.equal(line, '\\x1b[2Jrun\\x0d\\x0a\\u202e1');
});

test('wide characters keep the columns straight', () => {
  const lines = tableLines(
    [{ title: 'LABEL' }, { title: 'N' }],
    [
      ['請求', '1'],
      ['ab', '2'],
    ],
  );
  assert.equal(displayWidth(lines[1]!.split('1')[0]!), displayWidth(lines[2]!.split('2')[0]!));
});

test('on a narrow terminal only the columns that may shrink are cut, and ids stay whole', () => {
  const columns = [{ title: 'ID' }, { title: 'LABEL', shrinks: true }];
  const lines = tableLines(columns, [['key_04h8p2vq7c3sd', 'celery-billing/2f6c-9e1b-44aa']], {
    columns: 36,
  });
  assert.ok(lines.every((line) => displayWidth(line) <= 36));
  assert.match(lines[1]!, /^key_04h8p2vq7c3sd {2}celery-.*…$/);
});

test('columns that may go are left out before others are cut to what cannot be read', () => {
  const columns = [
    { title: 'TIME' },
    { title: 'CALL TO', shrinks: true, width: 24 },
    { title: 'MS', optional: 1 },
  ];
  const rows = [['10:46:46.763', 'payment_intents.create', '19']];
  // Only 16 columns would be left for the call beside MS.
  assert.deepEqual(tableLines(columns, rows, { columns: 33 }), [
    'TIME          CALL TO',
    '10:46:46.763  payment_intents.cr…',
  ]);
  assert.deepEqual(tableLines(columns, rows, { columns: 34 }), [
    'TIME          CALL TO           MS',
    '10:46:46.763  payment_intents…  19',
  ]);
});

test('paint does not count as width', () => {
  const paint = (text: string) => `${ESC}[31m${text}${ESC}[39m`;
  const lines = tableLines(
    [{ title: 'A' }, { title: 'B' }],
    [
      [{ text: 'x', paint }, 'y'],
      ['long', 'z'],
    ],
  );
  assert.equal(lines[1], `${ESC}[31mx   ${ESC}[39m  y`);
});

test('a field without a value takes no line', () => {
  assert.deepEqual(
    fieldLines([
      ['id', 'key_1'],
      ['reason', null],
      ['calls', '0'],
    ]),
    ['id     key_1', 'calls  0'],
  );
});

test('amounts of a reply are shown digit for digit, however many they have', () => {
  const text = '{"spent_usd":0.0083,"total_usd_cap":1000000000.000001,"calls":3}';
  const value = parseReply(text) as Record<string, unknown>;
  assert.equal(value.spent_usd, '0.0083');
  assert.equal(dollars(value.total_usd_cap), '$1,000,000,000.000001');
  assert.equal(value.calls, 3);
  // A float would print 12345678901.000002 and 29: what came is what goes out.
  const raw = '{"amount":12345678901.000001,"cost_usd":29.00}';
  assert.equal(prettyJson(raw).replaceAll(/\s/g, ''), raw);
});

test('dollars have at least two decimals, and an absent amount is a dash', () => {
  assert.equal(dollars('500'), '$500.00');
  assert.equal(dollars('12.5'), '$12.50');
  assert.equal(dollars('-3.25'), '-$3.25');
  assert.equal(dollars(null), '-');
});

test('times are UTC and say how far away they are', () => {
  assert.equal(shortTime('2026-11-22T09:15:02.120Z'), '2026-11-22 09:15:02Z');
  const now = Date.parse('2026-11-22T09:00:00Z');
  assert.equal(distance('2026-11-22T11:00:00Z', now), 'in 2 h');
  assert.equal(distance('2026-11-22T08:59:15Z', now), '45 s ago');
});
