export { openForReading, readBytes } from './open-for-reading.js';
export { checkRange, defaultMaxLineBytes } from './read-options.js';
