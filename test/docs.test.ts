/**
 * The pages of documentation against the repository: what a page names is there. What the README's
 * commands do is real-parts/readme.test.ts.
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Metrics } from '../src/metrics.ts';

const ROOT = join(import.meta.dirname, '..');
const pages = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], { cwd: ROOT }).map((path) => ({
  path,
  text: readFileSync(join(ROOT, path), 'utf8'),
}));

/** The anchor that a heading gets: lower case, spaces as hyphens, other signs left out. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
  return new Set(headings);
}

test('every link inside the repository leads somewhere', () => {
  const broken: string[] = [];
  for (const { path, text } of pages) {
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : join(dirname(path), file);
      const there = existsSync(join(ROOT, target));
      const whole = there && anchor ? readFileSync(join(ROOT, target), 'utf8') : '';
      if (!there || (anchor && !anchorsOf(whole).has(anchor))) broken.push(`${path} → ${link}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('every file that a page names is there', () => {
  const missing: string[] = [];
  for (const { path, text } of pages) {
    const named = text.matchAll(/`((?:src|test|bench|docs|migrations|examples)\/[\w./-]+)`/g);
    for (const [, file = ''] of named) {
      if (!existsSync(join(ROOT, file))) missing.push(`${path}: ${file}`);
    }
  }
  assert.deepEqual(missing, []);
});

test('operating.md has every metric that Keybrake has', async () => {
  const metrics = new Metrics({ running: () => 0, waiting: () => 0, ratesAge: () => null });
  const served = [...(await metrics.render()).matchAll(/^# TYPE (keybrake_\w+)/gm)];
  const { text } = pages.find(({ path }) => path === 'docs/operating.md')!;
  const told = [...text.matchAll(/^\| `(keybrake_\w+)` \|/gm)];
  const names = (found: RegExpExecArray[]) => found.map(([, name]) => name).toSorted();
  assert.deepEqual(names(told), names(served));
});

test('every page that is not a page of another is led to from the README', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const lost = pages
    .map(({ path }) => path)
    .filter((path) => path !== 'README.md' && !/^(?:docs\/decisions|examples)\//.test(path))
    .filter((path) => !readme.includes(`(${path})`));
  assert.deepEqual(lost, []);
});
