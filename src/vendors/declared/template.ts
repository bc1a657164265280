/**
 * Text with names in double braces: `Bearer {{secret}}`, `{{code}}: {{message}}`. Split once when
 * the file is read; filled in for each call.
 */

export interface Template {
  /** Texts and names in turn, beginning with a text. */
  readonly parts: readonly string[];
}

/** Throws Error that says what it must be. */
export function readTemplate(text: string): Template {
  const parts = text.split(/\{\{([a-z][a-z0-9_]*)\}\}/);
  const literal = parts.filter((_, index) => index % 2 === 0).join('');
  if (/\{\{|\}\}/.test(literal)) throw new Error('must have names in braces as in {{secret}}');
  return { parts };
}

export function namesIn({ parts }: Template): string[] {
  return parts.filter((_, index) => index % 2 === 1);
}

export function fill({ parts }: Template, named: (name: string) => string): string {
  return parts.map((part, index) => (index % 2 === 0 ? part : named(part))).join('');
}
