/**
 * Why a text cannot be kept, or null. PostgreSQL stores neither the character U+0000 nor half of a surrogate pair (in `text` and in `jsonb`
 * alike): refused at the door, or they would come back as a failed statement.
 */
export function badText(text: string, maxLength: number): string | null {
  if (text.length > maxLength) return `must be at most ${maxLength.toLocaleString('en')} characters long`;
  if (text.includes('\0') || /\p{Surrogate}/u.test(text))
    return 'contains characters that cannot be stored (U+0000 or half of a surrogate pair)';
  return null;
}
