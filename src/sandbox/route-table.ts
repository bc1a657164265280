/** Finds who answers a method and a path in a table of patterns in which `*` stands for a segment. */
export class RouteTable<Handler> {
  readonly #rows: { method: string; segments: string[]; handler: Handler }[];

  /** Rows such as `['GET /emails/*', handler]`; the first that fits wins. */
  constructor(rows: readonly (readonly [string, Handler])[]) {
    this.#rows = rows.map(([pattern, handler]) => {
      const [method = '', path = ''] = pattern.split(' ');
      return { method, segments: path.split('/'), handler };
    });
  }

  /** `path` as readPath gives it. `names`: what stood for each `*`. Undefined: no such row. */
  find(method: string, path: string): { handler: Handler; names: string[] } | undefined {
    const given = path.split('/');
    for (const { method: wanted, segments, handler } of this.#rows) {
      if (wanted !== method) continue;
      const names = namesIn(segments, given);
      if (names) return { handler, names };
    }
    return undefined;
  }

  /** Whether the path is there, whatever the method. */
  knows(path: string): boolean {
    const given = path.split('/');
    return this.#rows.some(({ segments }) => namesIn(segments, given) !== null);
  }
}

function namesIn(pattern: string[], given: string[]): string[] | null {
  if (pattern.length !== given.length) return null;
  const names: string[] = [];
  for (let i = 0; i < pattern.length; i++) {
    if (pattern[i] === '*' && given[i]) names.push(given[i]!);
    else if (pattern[i] !== given[i]) return null;
  }
  return names;
}
