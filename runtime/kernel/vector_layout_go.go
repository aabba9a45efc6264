package kernel

func transposeGo(dst, src []float32, rows, cols, dstStride, srcStride int) {
	for i := range rows {
		row := src[i*srcStride : i*srcStride+cols]
		for j, v := range row {
			dst[j*dstStride+i] = v
		}
	}
}
