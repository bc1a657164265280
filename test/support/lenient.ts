/**
 * Readers that are as lenient as any server a vendor may have: all their answers to one request, to
 * hold the one that Keybrake gave against. Written without a look at Keybrake's own parsers, and
 * never to be made stricter for a test's sake.
 */

/** Every amount that some reader would take from these fields, as it would read the number. */
export function amountsRead(query: string, body: string, field = 'amount'): Set<string> {
  const found = new Set<string>();
  for (const order of [[query, body], [body, query], [body]]) {
    for (const separators of [/&/, /[&;]/, /[&;,\r\n]/]) {
      for (const depth of [1, 2]) {
        const values = order
          .flatMap((text) => text.split(separators))
          .map((pair) => split(pair, depth))
          .filter(([name]) => namesOf(name).has(field))
          .map(([, value]) => value);
        // The first of them wins, or the last.
        for (const value of [values[0], values.at(-1)]) {
          if (value !== undefined) for (const number of numbersOf(value)) found.add(number);
        }
      }
    }
  }
  return found;
}

function split(pair: string, depth: number): [name: string, value: string] {
  const equals = pair.indexOf('=');
  const at = equals < 0 ? pair.length : equals;
  return [decode(pair.slice(0, at), depth), decode(pair.slice(at + 1), depth)];
}

function decode(text: string, depth: number): string {
  let plain = text;
  for (let i = 0; i < depth; i++) plain = decodeOnce(plain.replaceAll('+', ' '));
  return plain;
}

/** Runs of escapes as UTF-8; what is broken stays as a replacement character. */
function decodeOnce(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}

/** The parameters that a name may stand for: exact, folded, cut at NUL, as Rack reads brackets. */
function namesOf(name: string): Set<string> {
  const folded = name.normalize('NFKC').trim().toLowerCase().split('\0', 1)[0]!;
  const rack = /^[[\]\s]*([^[\]]+)\]*((?:\[\d*\])*)$/.exec(folded);
  return new Set([name, folded, ...(rack ? [rack[1]!.trim()] : [])]);
}

/** What number parsers of several languages make of the text. */
function numbersOf(text: string): Set<string> {
  const folded = text.normalize('NFKC').trim();
  const readings: (number | bigint)[] = [Number.parseInt(folded, 10), Number.parseFloat(folded)];
  if (folded !== '') readings.push(Number(folded.replaceAll('_', '')));
  if (/^0\d+$/.test(folded)) readings.push(Number.parseInt(folded, 8));
  const numbers = readings.filter((number) => typeof number === 'bigint' || !Number.isNaN(number));
  return new Set(numbers.length > 0 ? numbers.map(String) : [`not a number: ${folded}`]);
}

/** Every path that some server would route the request to. */
export function pathsRead(path: string): Set<string> {
  const found = new Set<string>();
  for (const depth of [1, 2, 3]) {
    let plain = path;
    for (let i = 0; i < depth; i++) plain = decodeOnce(plain);
    for (const turned of [plain, plain.replaceAll('\\', '/')]) {
      for (const end of [/$/, /[?#].*$/, /\0.*$/]) {
        const cut = turned.replace(end, '');
        found.add(resolve(cut, false)).add(resolve(cut, true));
      }
    }
  }
  return found;
}

/** Dot segments resolved, empty segments and a `/` at the end dropped. */
function resolve(path: string, dropsParameters: boolean): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    const name = (dropsParameters ? segment.replace(/;.*$/, '') : segment).trim();
    if (name === '..') segments.pop();
    else if (name !== '.' && name !== '') segments.push(name);
  }
  return `/${segments.join('/')}`;
}
