/** A name for a download, of letters that every header and file system takes: "Spring sale!" becomes `spring-sale.series.csv`. */
export function safeFileName(name: string, ending: string): string {
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return `${words.join('-').slice(0, 60) || 'campaign'}.${ending}`;
}
