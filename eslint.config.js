export { default } from './tooling/eslint.js';
