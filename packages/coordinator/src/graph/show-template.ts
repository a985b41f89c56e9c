import type { Condition, Template } from './reference.js';

/** A template as it was written: text, with its holes. */
export function showTemplate(template: Template): string {
  switch (template.kind) {
    case 'literal':
      return typeof template.value === 'string' ? template.value : JSON.stringify(template.value);
    case 'reference':
      return template.reference.text;
    case 'text':
      return template.parts.map((part) => (typeof part === 'string' ? part : part.text)).join('');
    case 'list':
      return `[${template.items.map(showTemplate).join(', ')}]`;
    case 'object': {
      const entries = Object.entries(template.entries);
      return `{ ${entries.map(([key, value]) => `${key}: ${showTemplate(value)}`).join(', ')} }`;
    }
  }
}

/** A condition with all its parentheses. */
export function showCondition(condition: Condition): string {
  switch (condition.op) {
    case 'literal':
      return JSON.stringify(condition.value);
    case 'path':
      return condition.reference.text;
    case '!':
      return `!${showCondition(condition.of)}`;
    case 'size':
      return `size(${showCondition(condition.of)})`;
    default:
      return `(${showCondition(condition.left)} ${condition.op} ${showCondition(condition.right)})`;
  }
}
