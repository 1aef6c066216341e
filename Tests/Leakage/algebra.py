"""Least squares and information, in plain Python."""

import math


def solve(matrix, right):
    """Gauss, with pivots; changes its arguments."""
    size = len(right)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(matrix[row][column]))
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        right[column], right[pivot] = right[pivot], right[column]
        for row in range(column + 1, size):
            factor = matrix[row][column] / matrix[column][column]
            if factor:
                matrix[row] = [a - factor * b for a, b in zip(matrix[row], matrix[column])]
                right[row] -= factor * right[column]
    result = [0.0] * size
    for row in reversed(range(size)):
        rest = right[row] - sum(matrix[row][column] * result[column] for column in range(row + 1, size))
        result[row] = rest / matrix[row][row]
    return result


def fit(rows, targets):
    """The weights of the rows' columns, and a constant in front, that are closest to the targets."""
    rows = [[1.0, *row] for row in rows]
    size = len(rows[0])
    matrix = [[0.0] * size for _ in range(size)]
    right = [0.0] * size
    for row, target in zip(rows, targets):
        for i, value in enumerate(row):
            right[i] += value * target
            line = matrix[i]
            for j in range(i, size):
                line[j] += value * row[j]
    for i in range(size):
        for j in range(i):
            matrix[i][j] = matrix[j][i]
        # Columns may say the same.
        matrix[i][i] *= 1 + 1e-9
        matrix[i][i] += 1e-9
    return solve(matrix, right)


def apply(weights, row):
    return weights[0] + sum(weight * value for weight, value in zip(weights[1:], row))


def cross_predicted(rows, targets, folds=5):
    """Each row's target as it is predicted by weights that are fitted to the rows of the other folds."""
    predicted = [0.0] * len(rows)
    for fold in range(folds):
        others = [index for index in range(len(rows)) if index * folds // len(rows) != fold]
        weights = fit([rows[index] for index in others], [targets[index] for index in others])
        for index in range(len(rows)):
            if index * folds // len(rows) == fold:
                predicted[index] = apply(weights, rows[index])
    return predicted


def smooth(equations, size, mean, deviation, noise):
    """The unknowns of sparse equations ({index: share}, value) under noise, if nothing else is known than their mean and deviation: by
    conjugate gradients."""
    def product(vector):
        result = [value / deviation**2 for value in vector]
        for shares, _ in equations:
            total = sum(share * vector[index] for index, share in shares.items()) / noise**2
            for index, share in shares.items():
                result[index] += share * total
        return result

    residual = [0.0] * size
    for shares, value in equations:
        rest = (value - sum(shares.values()) * mean) / noise**2
        for index, share in shares.items():
            residual[index] += share * rest
    result, direction = [0.0] * size, residual[:]
    square = first = sum(value * value for value in residual)
    for _ in range(200):
        if square <= 1e-14 * first or not square:
            break
        image = product(direction)
        step = square / sum(a * b for a, b in zip(direction, image))
        result = [a + step * b for a, b in zip(result, direction)]
        residual = [a - step * b for a, b in zip(residual, image)]
        square, before = sum(value * value for value in residual), square
        direction = [a + square / before * b for a, b in zip(residual, direction)]
    return [mean + value for value in result]


def correlation(xs, ys):
    count = len(xs)
    mean_x, mean_y = sum(xs) / count, sum(ys) / count
    both = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys))
    squares = sum((x - mean_x) ** 2 for x in xs) * sum((y - mean_y) ** 2 for y in ys)
    return both / math.sqrt(squares) if squares > 0 else 0.0


def entropy(probability):
    """Of a bit, in bits."""
    if probability <= 0 or probability >= 1:
        return 0.0
    return -probability * math.log2(probability) - (1 - probability) * math.log2(1 - probability)
