/**
 * Requests and replies as one kind of tree, whatever they were encoded in, so that one path finds
 * the same field in JSON and in a form.
 */
import { NumberText } from '../../json-scan.ts';
import type { Fields } from '../form.ts';
import type { Json } from '../json-body.ts';

/** What JSON.parse gave, as a tree; null for what is no value. May throw where it is too deep. */
export function treeOf(value: unknown): Json {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (value instanceof NumberText) return value;
  if (Array.isArray(value)) return value.map(treeOf);
  if (typeof value !== 'object' || value === null) return null;
  return new Map(Object.entries(value).map(([name, each]) => [name, treeOf(each)]));
}

type Branch = Map<string, string | Branch>;

/** `a[b]=1` is `{"a": {"b": "1"}}`; numbers from 0 on in brackets make a list. */
export function formTree(fields: Fields): Json {
  const root: Branch = new Map();
  for (const [flat, value] of fields) {
    const [top = '', ...inner] = flat.split('[');
    const steps = [top, ...inner.map((part) => part.slice(0, -1))];
    const last = steps.pop()!;
    let branch = root;
    for (const step of steps) {
      const next = branch.get(step);
      if (next instanceof Map) branch = next;
      else {
        const made: Branch = new Map();
        branch.set(step, made);
        branch = made;
      }
    }
    branch.set(last, value);
  }
  return treeOfBranch(root);
}

function treeOfBranch(branch: Branch): Json {
  const names = [...branch.keys()];
  const values = [...branch.values()].map((value) =>
    typeof value === 'string' ? value : treeOfBranch(value),
  );
  const isList = names.length > 0 && names.every((_, index) => branch.has(String(index)));
  if (!isList) return new Map(names.map((name, index) => [name, values[index]!]));
  return names.map((_, index) => values[names.indexOf(String(index))]!);
}
