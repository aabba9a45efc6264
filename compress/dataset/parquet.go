package dataset

func (o *opener) parquet(p place) (source, bool, error) { return nil, false, errUnknown }
