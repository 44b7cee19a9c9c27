/** A table of a Markdown document: for each row the text of its cells by column. */
export interface MarkdownTable {
  readonly columns: readonly string[];
  readonly rows: readonly { readonly name: string; readonly cells: Readonly<Record<string, string>> }[];
}

/**
 * Reads the table whose first column has the given heading; it names the rows.
 * @throws when there is no such table, or a row has more or fewer cells than columns
 */
export function readTable(markdown: string, heading: string): MarkdownTable {
  const lines = markdown.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${heading} |`));
  if (start === -1) throw new Error(`no table ${heading}`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith("|"));
  const [head = [], , ...body] = lines.slice(start, end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const columns = head.slice(1);
  const rows = body.map(([name = "", ...cells]) => {
    if (cells.length !== columns.length) throw new Error(`row ${name} has ${cells.length} cells`);
    return { name, cells: Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ""])) };
  });
  return { columns, rows };
}
