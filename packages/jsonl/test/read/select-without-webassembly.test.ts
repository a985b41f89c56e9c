import { expect, it, vi } from 'vitest';

// Where there is none, the same is found by other means: every test of it again.
vi.stubGlobal('WebAssembly', undefined);
const { takeSearchedBuffer } = await import('../../src/read/scan-buffer.js');
await import('./select.test.js');

it('is tested without WebAssembly', () => {
  expect(takeSearchedBuffer()).toBeUndefined();
});
