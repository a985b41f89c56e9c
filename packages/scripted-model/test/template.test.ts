import { describe, expect, it } from 'vitest';
import { ask, askText, scripted, toolResult, toolUse, user } from './conversation-builder.js';
import { startModel } from './fixtures.js';

const conversation = (turn: Parameters<typeof scripted>[0], result: string) => [
  user(scripted(['first', turn] as never, 'The task of file-7.')),
  toolUse('Read'),
  toolResult(result),
];

describe('placeholders', () => {
  it('are replaced by what the conversation holds', async () => {
    const { url } = await startModel({ environment: { NAME: 'value' } });
    const text =
      '{{lastToolResult}}|{{prompt}}|{{model}}|{{turn}}|{{env:NAME}}|{{env:NO}}|{{match:v(\\d+)}}|{{match:file-\\d}}|{{match:none}}';
    expect(await askText(url, conversation(text, 'v42'))).toBe(
      'v42|The task of file-7.|m|1|value||42|file-7|',
    );
  });

  it('give the prompt without its markers', async () => {
    const { url } = await startModel();
    const script = ['{{prompt}}', { tool: 'Agent', input: { prompt: '[[scenario:inner]]' } }];
    expect(await askText(url, [user(`${scripted(script, 'Before')} after`)])).toBe('Before  after');
  });

  it('may hold a pattern that ends in a brace', async () => {
    const { url } = await startModel();
    expect(await askText(url, conversation('{{match:v(\\d{2})}}-{{match:\\d{2}}}', 'v42'))).toBe(
      '42-42',
    );
  });

  it('are not sought in what was inserted', async () => {
    const { url } = await startModel({ environment: { SECRET: 'leaked' } });
    expect(await askText(url, conversation('got {{lastToolResult}}', '{{env:SECRET}}'))).toBe(
      'got {{env:SECRET}}',
    );
    // Control: the same placeholder in the script itself is replaced.
    expect(await askText(url, conversation('got {{env:SECRET}}', ''))).toBe('got leaked');
  });

  it('are replaced in tool inputs at any depth, and in error messages', async () => {
    const { url } = await startModel();
    const call = { tool: 'Write', input: { edits: [{ text: '{{lastToolResult}}' }], n: 1 } };
    const answer = await ask(url, conversation(call, 'R')).answer;
    expect(answer.text).toContain('"input":{"edits":[{"text":"R"}],"n":1}');
    const error = { error: { status: 400, message: 'no {{lastToolResult}}' } };
    expect((await ask(url, conversation(error, 'R')).answer).text).toContain('no R');
  });
});
