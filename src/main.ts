#!/usr/bin/env node
/**
 * The door. It checks the Node version before anything that an older Node cannot parse is loaded,
 * so that the person reads a sentence and not a stack. No statement here may need more than Node 20.
 */
const version = process.versions.node;

if (Number(version.split('.')[0]) < 24) {
  process.stderr.write(
    `keybrake needs Node 24 or newer; this is Node ${version} (${process.execPath}).\n` +
      'In a clone, `npm install` brings the right one and `npm start` uses it.\n',
  );
  process.exitCode = 2;
} else {
  const { run } = await import('./cli/program.ts');
  process.exitCode = await run(process.argv.slice(2));
}
