// Texts in a file that the user gives: a line each, JSON lines, or a column of a table.

const SEPARATORS = { csv: ',', tsv: '\t' };

/**
 * Reads a file by its name: {records, problems, columns, column}. A record is {line, text, id}; a problem {line, key}
 * with a key of the dictionary. `column` of a table is the one wanted, or the one called text, or the first.
 */
export function readRecords(name, content, column = null) {
  const ending = name.split('.').pop().toLowerCase();
  const text = content.replace(/^\ufeff/, '');
  if (ending in SEPARATORS) return readTable(text, SEPARATORS[ending], column);
  if (ending === 'jsonl' || ending === 'ndjson') return readJsonLines(text);
  return sorted(text.split(/\r\n?|\n/).map((line, i) => ({ line: i + 1, text: line })));
}

function readJsonLines(content) {
  const rows = content.split(/\r\n?|\n/).map((line, i) => {
    if (!line.trim()) return { line: i + 1, text: '' };
    try {
      const record = JSON.parse(line);
      const text = typeof record === 'string' ? record : record?.text;
      if (typeof text !== 'string') return { line: i + 1, key: 'records.noText' };
      return { line: i + 1, text, id: record.id };
    } catch {
      return { line: i + 1, key: 'records.notJson' };
    }
  });
  return sorted(rows);
}

function readTable(content, separator, wanted) {
  const [head = { cells: [] }, ...rows] = tableRows(content, separator);
  const columns = head.cells.map((cell) => cell.trim());
  const named = columns.findIndex((each) => each.toLowerCase() === 'text');
  const column = wanted ?? Math.max(named, 0);
  const ids = columns.findIndex((each) => each.toLowerCase() === 'id');
  const records = rows.map(({ line, cells }) => ({
    line,
    text: cells[column] ?? '',
    id: ids < 0 ? undefined : cells[ids],
  }));
  return { ...sorted(records), columns, column };
}

/** The rows of a table after RFC 4180: cells may be quoted, and then hold quotes, separators and ends of lines. */
function tableRows(content, separator) {
  const rows = [];
  const cell = new RegExp(`(?:"((?:[^"]|"")*)"|([^${separator}\\r\\n]*))(${separator}|\\r\\n?|\\n|$)`, 'y');
  let line = 1;
  let row = { line, cells: [] };
  while (cell.lastIndex < content.length) {
    const [whole, quoted, bare, end] = cell.exec(content); // an empty cell matches anywhere
    row.cells.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
    line += whole.split(/\r\n?|\n/).length - 1;
    if (end === separator) continue;
    rows.push(row);
    row = { line, cells: [] };
    if (!end) break;
  }
  return rows.filter(({ cells }) => cells.some(Boolean));
}

/** Texts to ask about and lines that are none; blank lines are passed over. */
function sorted(rows) {
  return {
    records: rows.filter(({ key, text }) => !key && text.trim()),
    problems: rows.filter(({ key }) => key),
  };
}
