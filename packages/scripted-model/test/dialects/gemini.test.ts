import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/index.js';
import { scripted } from '../conversation-builder.js';
import { startModel } from '../fixtures.js';
import { dataOf, jsonOf, send } from '../raw-client.js';

const says = (...texts: readonly string[]) => ({
  role: 'user',
  parts: texts.map((text) => ({ text })),
});
const MODEL = '/v1beta/models/gemini-x';
const generate = (url: string, contents: readonly Json[], method = 'generateContent') =>
  send(`${url}${MODEL}:${method}`, { contents }).answer;

interface Chunk {
  candidates: {
    content: { parts: { text?: string; thought?: boolean; functionCall?: object }[] };
    finishReason?: string;
  }[];
  usageMetadata: object;
}

const TURN = { thinking: 'let me see', text: 'reading', tool: 'read_file', input: { path: 'a' } };

describe('Gemini', () => {
  it('streams thoughts, text and a call; only the last chunk says why it ended', async () => {
    const { url } = await startModel();
    const prompt = says(scripted([{ ...TURN, chunkChars: 3 }]));
    const answer = await generate(url, [prompt], 'streamGenerateContent?alt=sse');
    const chunks = dataOf(answer) as unknown as Chunk[];
    const parts = chunks.flatMap(({ candidates }) => candidates[0]?.content.parts ?? []);
    const text = (thought: boolean) =>
      parts
        .filter((part) => (part.thought ?? false) === thought)
        .map((part) => part.text ?? '')
        .join('');
    expect(text(true)).toBe('let me see');
    expect(text(false)).toBe('reading');
    expect(parts.at(-1)?.functionCall).toEqual({ name: 'read_file', args: { path: 'a' } });
    const reasons = chunks.map(({ candidates }) => candidates[0]?.finishReason);
    expect(reasons.filter((reason) => reason !== undefined)).toEqual(['STOP']);
    expect(reasons.at(-1)).toBe('STOP');
    expect(chunks.at(-1)?.usageMetadata).toMatchObject({ promptTokenCount: 100 });
  });

  it('streams one JSON list when server-sent events are not asked for', async () => {
    const { url } = await startModel();
    const prompt = says(scripted([{ text: 'abcdef', chunkChars: 2 }]));
    const answer = await generate(url, [prompt], 'streamGenerateContent');
    expect(answer.headers['content-type']).toBe('application/json');
    const chunks = JSON.parse(answer.text) as Chunk[];
    expect(chunks.map(({ candidates }) => candidates[0]?.content.parts[0]?.text)).toEqual([
      'ab',
      'cd',
      'ef',
    ]);
  });

  it('says that it ended also when the turn holds nothing', async () => {
    const { url } = await startModel();
    const prompt = says(scripted([{ stop: 'max_tokens' }]));
    const answer = await generate(url, [prompt], 'streamGenerateContent?alt=sse');
    expect(dataOf(answer)).toMatchObject([{ candidates: [{ finishReason: 'MAX_TOKENS' }] }]);
  });

  it('counts turns over function responses and takes the context part for no prompt', async () => {
    const { url, model } = await startModel();
    const contents = [
      says(
        '<session_context>\nToday is a day.\n</session_context>',
        scripted([{ tool: 'read_file' }, '{{prompt}}: {{lastToolResult}}'], 'the task'),
      ),
      { role: 'model', parts: [{ functionCall: { name: 'read_file', args: {} } }] },
      {
        role: 'user',
        parts: [{ functionResponse: { name: 'read_file', response: { output: 'A' } } }],
      },
    ];
    const headers = { 'x-goog-api-key': 'secret-key' };
    const body = { contents, tools: [{ functionDeclarations: [{ name: 'read_file' }] }] };
    const answer = await send(`${url}${MODEL}:generateContent`, body, { headers }).answer;
    expect(jsonOf(answer)).toMatchObject({
      candidates: [{ content: { parts: [{ text: 'the task: A' }] } }],
    });
    expect(model.requests[0]).toMatchObject({
      dialect: 'gemini',
      model: 'gemini-x',
      turn: 1,
      messages: 3,
      tools: ['read_file'],
      auth: 'x-goog-api-key',
    });
  });

  it('reports errors in its own shape, also inside a stream', async () => {
    const { url } = await startModel();
    const answer = await generate(url, [says(scripted([{ error: { status: 429 } }]))]);
    expect(answer.status).toBe(429);
    expect(jsonOf(answer)).toMatchObject({ error: { code: 429, status: 'RESOURCE_EXHAUSTED' } });
    const breaking = says(scripted([{ text: 'abc', chunkChars: 1, streamError: { after: 2 } }]));
    const broken = await generate(url, [breaking], 'streamGenerateContent?alt=sse');
    expect(dataOf(broken)).toHaveLength(3);
    expect(dataOf(broken)[2]).toMatchObject({ error: { status: 'INTERNAL' } });
    const invalid = await send(`${url}${MODEL}:generateContent`, 'nonsense').answer;
    expect(invalid.status).toBe(400);
    expect(jsonOf(invalid)).toMatchObject({ error: { status: 'INVALID_ARGUMENT' } });
  });
});
