// The scores of Sphinx, but that pages for readers stand before records of decisions.
var Scorer = {
  score: ([page, , , , score]) => score - (/^docs\/decisions\/|^CHANGELOG/.test(page) ? 100 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
