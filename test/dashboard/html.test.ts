import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { html, joined } from '../../controller/dashboard/html.ts';

test('whatever is put in is escaped, between tags and in attributes', () => {
  const hostile = `</b><script>alert("1")</script>' onload=x &`;
  const made = html`<b title="${hostile}">${hostile}</b>`.text;
  const safe = '&lt;/b&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39; onload=x &amp;';
  assert.is(made, `<b title="${safe}">${safe}</b>`);
});

test('characters that reorder or hide text are shown as visible codes', () => {
  assert.is(html`${'kiosk\u202e7\u0000'}`.text, 'kiosk\ufffd7\ufffd');
});

test('HTML of a template stays HTML, in lists too; false and undefined are nothing', () => {
  const rows = ['a', '<'].map(text => html`<li>${text}</li>`);
  assert.is(html`<ul>${rows}${false}${undefined}${0}</ul>`.text, '<ul><li>a</li><li>&lt;</li>0</ul>');
  assert.is(html`${joined(['a', html`<i>b</i>`], ', ')}`.text, 'a, <i>b</i>');
});

test.run();
