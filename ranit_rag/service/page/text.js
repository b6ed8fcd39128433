// The service counts Unicode code points; JavaScript's strings count UTF-16 units, two for an emoji.

/** A text with exact ways between the two counts. */
export class Text {
  constructor(text) {
    this.text = text;
    this.starts = unitsOfPoints(text);
  }

  /** The number of code points. */
  get length() {
    return this.starts.length - 1;
  }

  /** The UTF-16 offset of a code point. */
  unit(point) {
    return this.starts[Math.max(0, Math.min(point, this.length))];
  }

  /** The code point at a UTF-16 offset; of one in the middle of a pair, the pair's. */
  point(unit) {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.starts[middle] <= unit) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  slice(start, end) {
    return this.text.slice(this.unit(start), this.unit(end));
  }

  /** The code points of a selection of UTF-16 units, without white space at its ends; null if nothing is left. */
  selection(from, to) {
    const chosen = this.text.slice(from, to);
    const start = from + (chosen.length - chosen.trimStart().length);
    const end = from + chosen.trimEnd().length;
    if (start >= end) return null;
    const last = this.point(end - 1) + 1; // the whole of a pair that the selection cuts
    return { start: this.point(start), end: last };
  }

  /** Where a mention stands, every time, in code points. */
  occurrences(mention) {
    const found = [];
    for (
      let at = this.text.indexOf(mention);
      mention && at >= 0;
      at = this.text.indexOf(mention, at + mention.length)
    ) {
      found.push({ start: this.point(at), end: this.point(at + mention.length) });
    }
    return found;
  }
}

export function countPoints(text) {
  let pairs = 0;
  for (let i = 0; i < text.length; i += 1) if (isPair(text, i)) ((pairs += 1), (i += 1));
  return text.length - pairs;
}

function unitsOfPoints(text) {
  const starts = [];
  for (let i = 0; i < text.length; i += isPair(text, i) ? 2 : 1) starts.push(i);
  starts.push(text.length);
  return starts;
}

function isPair(text, at) {
  return text.codePointAt(at) > 0xffff;
}
