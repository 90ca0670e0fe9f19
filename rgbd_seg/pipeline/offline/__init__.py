"""Work on whole recordings without live threads: segment, score, count, export, on one machine or on many."""
