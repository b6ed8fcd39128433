// The entities of a text as the user would have them, and the way back.

/** Entities are {text, label, start, end, score} in code points; one that the user set has no score. */
export class Correction {
  constructor(text, entities) {
    this.text = text;
    this.given = entities;
    this.past = [];
    this.entities = entities;
  }

  get changed() {
    return this.past.length > 0;
  }

  /** Marks every one of the spans; returns how many were not marked before. */
  add(spans, label) {
    const fresh = spans.filter(({ start, end }) => !this.entities.some((e) => same(e, { start, end, label })));
    if (!fresh.length) return 0;
    this.become([...this.entities, ...fresh.map((span) => this.entity(span, label))]);
    return fresh.length;
  }

  relabel(entity, label) {
    if (entity.label === label) return;
    const others = this.entities.filter((e) => e !== entity && !same(e, { ...entity, label }));
    this.become([...others, this.entity(entity, label)]);
  }

  remove(entity) {
    this.become(this.entities.filter((e) => e !== entity));
  }

  undo() {
    this.entities = this.past.pop() ?? this.entities;
  }

  discard() {
    this.past = [];
    this.entities = this.given;
  }

  /** As the service takes it. */
  get spans() {
    return this.entities.map(({ start, end, label }) => ({ start, end, label }));
  }

  entity({ start, end }, label) {
    return { text: this.text.slice(start, end), label, start, end, score: null };
  }

  become(entities) {
    this.past.push(this.entities);
    this.entities = entities.toSorted((a, b) => a.start - b.start || b.end - a.end);
  }
}

/** What one answer has that the other lacks: {gained, lost}. */
export function difference(before, after) {
  const without = (all, others) => all.filter((e) => !others.some((other) => same(e, other)));
  return { gained: without(after, before), lost: without(before, after) };
}

function same(a, b) {
  return a.start === b.start && a.end === b.end && a.label === b.label;
}
