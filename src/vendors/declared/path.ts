/**
 * Paths into a request or a reply, as a description writes them: `amount`, `from.email`,
 * `personalizations[*].to[*]`, `[*].To` for a body that is a list. A path finds values or says why
 * the document has another shape; it never guesses what was meant.
 */
import { asList, asObject, type Json } from '../json-body.ts';

type Step = { name: string } | { index: number } | 'each';

export interface Path {
  /** As it was written. */
  readonly text: string;
  readonly steps: readonly Step[];
}

const STEP = /\.?([A-Za-z_$][A-Za-z0-9_$:-]*)|\[(\*|0|[1-9]\d{0,3})\]/y;

/** Throws Error that says what it must be. */
export function readPath(text: string): Path {
  const steps: Step[] = [];
  for (let at = 0; at < text.length; ) {
    STEP.lastIndex = at;
    const [whole = '', name, index] = STEP.exec(text) ?? [];
    // `a.b` and `[0].b`, never `.a` or `a[0]b`.
    if (whole === '' || (name !== undefined && whole.startsWith('.') !== at > 0)) throw noPath();
    steps.push(name !== undefined ? { name } : index === '*' ? 'each' : { index: Number(index) });
    at += whole.length;
  }
  if (steps.length === 0) throw noPath();
  return { text, steps };
}

function noPath(): Error {
  return new Error('must be a path such as amount, from.email, items[*].price or [*].To');
}

/**
 * The values there; what is absent or null is none. A `fault` says where the document is not built
 * as the path is: a list that is a text, or a name in other letters (`to` for `To`), which some
 * programs take for the same.
 */
export function select(path: Path, document: Json): { values: Json[] } | { fault: string } {
  let values: Json[] = document === null ? [] : [document];
  for (const step of path.steps) {
    const next: Json[] = [];
    for (const value of values) {
      const found = follow(step, value);
      if (typeof found === 'object' && 'fault' in found) {
        return { fault: `${found.fault} (\`${path.text}\`)` };
      }
      for (const each of found.values) if (each !== null) next.push(each);
    }
    values = next;
  }
  return { values };
}

function follow(step: Step, value: Json): { values: readonly Json[] } | { fault: string } {
  if (step === 'each' || 'index' in step) {
    const list = asList(value);
    if (list === null) return { fault: 'a list was expected' };
    if (step === 'each') return { values: list };
    return { values: step.index < list.length ? [list[step.index]!] : [] };
  }
  const object = asObject(value);
  if (object === null) return { fault: 'an object was expected' };
  const { name } = step;
  const ours = folded(name);
  for (const other of object.keys()) {
    if (other !== name && folded(other) === ours) {
      return { fault: `the field is \`${name}\`, in these letters` };
    }
  }
  const found = object.get(name);
  return { values: found === undefined ? [] : [found] };
}

/** Go's readers take the Kelvin sign for a k too, so both foldings of case. */
function folded(name: string): string {
  return name.toLowerCase().toUpperCase();
}

/** The one value there; null when there is none, several, or a document of another shape. */
export function only(path: Path, document: Json): Json {
  const found = select(path, document);
  return 'values' in found && found.values.length === 1 ? found.values[0]! : null;
}
