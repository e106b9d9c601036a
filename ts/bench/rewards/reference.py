"""The repetition penalty as R-Zero's published code computes it: with NLTK and scikit-learn, pair by pair.

Reads {"questions": [...], "threshold": ...} from stdin; writes labels and seconds of processor time
to stdout, as JSON.
"""

import json
import sys
import time
from importlib.metadata import version

import numpy as np
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from sklearn.cluster import AgglomerativeClustering


def distance_matrix(questions):
    """1 - BLEU, the earlier question as the hypothesis; split for each pair, as there."""
    n = len(questions)
    matrix = np.zeros((n, n))
    smoothing = SmoothingFunction().method1
    for i in range(n):
        for j in range(i + 1, n):
            score = sentence_bleu(
                [questions[j].split()],
                questions[i].split(),
                smoothing_function=smoothing,
            )
            matrix[i, j] = matrix[j, i] = 1 - score
    return matrix


def main():
    """Measure once."""
    task = json.load(sys.stdin)
    begun = time.process_time()
    matrix = distance_matrix(task["questions"])
    compared = time.process_time()
    model = AgglomerativeClustering(
        n_clusters=None,
        metric="precomputed",
        linkage="average",
        distance_threshold=task["threshold"],
    )
    labels = model.fit_predict(matrix)
    done = time.process_time()
    result = {
        "distanceSeconds": compared - begun,
        "clusterSeconds": done - compared,
        "labels": labels.tolist(),
        "versions": {name: version(name) for name in ("nltk", "scikit-learn", "scipy")},
    }
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
