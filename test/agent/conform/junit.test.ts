import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { junitXml, type Verdict } from '../../../agent/conform/junit.ts';

const verdict = (more: Partial<Verdict>): Verdict => ({
  name: 'polls_at_start',
  clause: 'an agent asks when it starts',
  result: 'ok',
  detail: undefined,
  warnings: [],
  ms: 1234,
  ...more,
});

const TAG = /<(\/?)([a-z-]+)((?: [a-z]+="[^"<]*")*)(\/?)>/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#10': '\n' };
const decoded = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#10);/g, (_, name: string) => ENTITIES[name] ?? '');

/** The tags in order, with their attributes; throws for anything that is not well formed. */
function tagsOf(xml: string): { name: string; attributes: Record<string, string> }[] {
  const body = xml.replace(/^<\?xml [^>]*\?>\n/, '');
  const open: string[] = [];
  const tags = [...body.matchAll(TAG)].flatMap(([, closes, name = '', attributes = '', empty]) => {
    if (closes === '/') {
      assert.is(open.pop(), name);
      return [];
    }
    if (empty === '') open.push(name);
    const pairs = [...attributes.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [
      key,
      decoded(value),
    ]);
    return [{ name, attributes: Object.fromEntries(pairs) as Record<string, string> }];
  });
  assert.equal(open, []);
  const outside = body.replace(TAG, '');
  assert.not.match(outside, /[<>]|&(?!(amp|lt|gt|quot|#10);)/);
  return tags;
}

test('results are counted, and failures carry their finding and their clause', () => {
  const xml = junitXml('agent', [
    verdict({}),
    verdict({ name: 'b', result: 'failed', detail: 'it said "<no>" & left', clause: 'a < b' }),
    verdict({ name: 'c', result: 'skipped', detail: 'needs --with-reports' }),
  ]);
  const tags = tagsOf(xml);
  const suite = tags.find(tag => tag.name === 'testsuite')?.attributes;
  assert.is(suite?.tests, '3');
  assert.is(suite?.failures, '1');
  assert.is(suite?.skipped, '1');
  assert.equal(
    tags.filter(tag => tag.name === 'testcase').map(tag => `${tag.attributes.name} ${tag.attributes.time}`),
    ['polls_at_start 1.234', 'b 1.234', 'c 1.234'],
  );
  assert.is(tags.find(tag => tag.name === 'failure')?.attributes.message, 'it said "<no>" & left');
  assert.match(xml, '>a &lt; b</failure>');
});

test('what a program says cannot break the file', () => {
  const hostile = '\u0000\u001b[31m]]><![CDATA[<!ENTITY x "y">\ud800\uffff\n';
  const xml = junitXml('agent', [verdict({ result: 'failed', detail: hostile, warnings: [hostile] })]);
  assert.is(tagsOf(xml).length, 5);
  for (const forbidden of ['\u0000', '\u001b', '\ud800', '\uffff']) assert.not.ok(xml.includes(forbidden));
});

test.run();
