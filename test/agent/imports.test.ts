/** No circle of imports inside the agent, types included: a circle is two files that are one thing. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

type Graph = ReadonlyMap<string, readonly string[]>;

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)['"](\.[^'"]+)['"]/g;

function graphOf(folder: string): Graph {
  const files = readdirSync(folder, { recursive: true })
    .map(name => path.posix.join(folder, String(name)))
    .filter(name => name.endsWith('.ts'));
  return new Map(
    files.map(file => [
      file,
      [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, to = '']) =>
        path.posix.join(path.posix.dirname(file), to),
      ),
    ]),
  );
}

/** The files of each circle, sorted; a file that no circle goes through is in none. */
function circlesOf(graph: Graph): string[][] {
  const reach = new Map<string, Set<string>>();
  for (const file of graph.keys()) {
    const seen = new Set<string>();
    const queue = [...(graph.get(file) ?? [])];
    for (let next = queue.pop(); next !== undefined; next = queue.pop())
      if (!seen.has(next)) {
        seen.add(next);
        queue.push(...(graph.get(next) ?? []));
      }
    reach.set(file, seen);
  }
  const circles = new Set<string>();
  for (const [file, seen] of reach)
    if (seen.has(file))
      circles.add(
        [...seen]
          .filter(other => reach.get(other)?.has(file))
          .sort()
          .join('\n'),
      );
  return [...circles].map(circle => circle.split('\n'));
}

test('no circle of imports runs through the agent', () => assert.equal(circlesOf(graphOf('agent')), []));

test('a circle is found, of two files and of three', () => {
  const graph: Graph = new Map([
    ['a', ['b']],
    ['b', ['a', 'c']],
    ['c', ['d']],
    ['d', ['e']],
    ['e', ['c']],
    ['f', ['a']],
  ]);
  assert.equal(circlesOf(graph), [
    ['a', 'b'],
    ['c', 'd', 'e'],
  ]);
});

test.run();
